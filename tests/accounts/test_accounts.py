"""Every user has one account, whichever way the user came, and however many ask first."""

from functools import partial

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import IntegrityError
from django.test import Client

from accounts.models import Account, Membership, User
from accounts.opening import account_of, open_account
from tests.billing.races import together
from tests.billing.test_constraints import broken_constraint
from tests.cast import PASSWORD, Customer

pytestmark = pytest.mark.django_db


def test_the_first_call_opens_the_account_and_later_ones_return_it() -> None:
    user = User.objects.create_user("dora@example.org")
    assert not Account.objects.exists()
    first = account_of(user)
    assert account_of(user) == first == Account.objects.get()
    assert Membership.objects.get().role == Membership.Role.OWNER


def test_two_users_have_two_accounts(alice: Customer, bob: Customer) -> None:
    assert alice.account != bob.account
    assert account_of(alice.user) == alice.account


def test_a_member_of_several_accounts_works_in_the_first(alice: Customer, bob: Customer) -> None:
    Membership.objects.create(account=alice.account, user=bob.user)
    assert account_of(bob.user) == bob.account


def test_an_operator_from_the_command_line_gets_an_account_at_the_first_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", "--email", "Root@Example.org", verbosity=0)
    user = User.objects.get()
    assert (user.email, user.is_staff, user.is_superuser) == ("root@example.org", True, True)
    browser = Client()
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.get("/billing").status_code == 200
    assert Account.objects.get().name == user.email


@pytest.mark.django_db(transaction=True)
def test_ten_first_requests_at_the_same_moment_open_one_account() -> None:
    user = User.objects.create_user("dora@example.org")
    answers = together([partial(account_of, user)] * 10)
    assert answers == [Account.objects.get()] * 10
    assert Membership.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_openings_of_one_address_at_the_same_moment_open_one_account() -> None:
    answers = together([partial(open_account, "dora@example.org")] * 10)
    assert answers == [User.objects.get()] * 10
    assert Account.objects.count() == 1


def test_an_address_is_one_user_whatever_its_capitals(alice: Customer) -> None:
    with pytest.raises(IntegrityError) as refused:
        User.objects.create(email=alice.user.email.upper())
    assert broken_constraint(refused.value) == "user_email_once"


def test_a_user_is_a_member_once(alice: Customer) -> None:
    with pytest.raises(IntegrityError) as refused:
        Membership.objects.create(account=alice.account, user=alice.user)
    assert broken_constraint(refused.value) == "membership_once"


def test_a_role_that_nobody_knows_is_refused(alice: Customer, bob: Customer) -> None:
    with pytest.raises(IntegrityError) as refused:
        Membership.objects.create(account=alice.account, user=bob.user, role="king")
    assert broken_constraint(refused.value) == "membership_role_known"


def test_a_user_is_called_by_the_address() -> None:
    user = get_user_model().objects.create_user("Dora@Example.org")
    assert str(user) == user.get_full_name() == "dora@example.org"
    assert user.get_short_name() == "dora"
    assert str(account_of(user)) == "dora@example.org"
    assert str(Membership.objects.get()) == "dora@example.org in dora@example.org as owner"
