"""`manage.py open_account`: a confirmed account with key and credit, as one JSON line."""

import json
from functools import partial
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import keys
from accounts.models import Account, ApiKey, User
from billing import ledger, sums
from billing.models import Transfer
from tests.billing.races import together
from tests.cast import PASSWORD

EMAIL = "dora@example.org"


def open_account(*arguments: str) -> dict[str, Any]:
    printed = StringIO()
    call_command("open_account", *arguments, stdout=printed)
    (line,) = printed.getvalue().splitlines()
    opened: dict[str, Any] = json.loads(line)
    return opened


@pytest.mark.django_db
def test_it_prints_address_account_key_and_balance() -> None:
    opened = open_account(EMAIL, "--credit", "25.00")
    account = Account.objects.get()
    assert list(opened) == ["email", "account", "api_key", "balance"]
    assert (opened["email"], opened["account"]) == (EMAIL, str(account.pk))
    assert opened["balance"] == "25.00"
    key = keys.find(opened["api_key"])
    assert key is not None
    assert key.account == account


@pytest.mark.django_db
def test_without_options_it_opens_a_plain_account_without_credit() -> None:
    assert open_account(EMAIL)["balance"] == "0.00"
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.has_usable_password()) == (False, False, False)
    assert not Transfer.objects.exists()


@pytest.mark.django_db
def test_the_user_may_sign_in_without_confirming_by_mail() -> None:
    open_account(EMAIL, "--password", PASSWORD)
    browser = Client()
    answer = browser.post("/account/login/", {"login": EMAIL, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/create")
    assert browser.get("/account/profile").status_code == 200


@pytest.mark.django_db
def test_staff_may_use_the_admin() -> None:
    open_account(EMAIL, "--password", PASSWORD, "--staff")
    browser = Client()
    browser.post("/account/login/", {"login": EMAIL, "password": PASSWORD})
    assert browser.get("/admin/").status_code == 200


@pytest.mark.django_db
def test_the_same_address_again_keeps_the_account_and_adds_key_and_credit() -> None:
    first = open_account(EMAIL, "--credit", "10")
    second = open_account(EMAIL.upper(), "--credit", "2.5")
    assert first["account"] == second["account"]
    assert second["email"] == EMAIL
    assert second["balance"] == "12.50"
    assert first["api_key"] != second["api_key"]
    assert keys.find(first["api_key"]) is not None
    assert User.objects.count() == Account.objects.count() == EmailAddress.objects.count() == 1
    assert sums.audit().faults == []


@pytest.mark.django_db
def test_the_same_address_again_keeps_the_password_unless_a_new_one_is_given() -> None:
    open_account(EMAIL, "--password", PASSWORD)
    open_account(EMAIL)
    assert User.objects.get().check_password(PASSWORD)
    open_account(EMAIL, "--password", "another-long-word")
    assert User.objects.get().check_password("another-long-word")


@pytest.mark.django_db
def test_the_same_address_again_may_make_an_operator_of_a_customer() -> None:
    open_account(EMAIL)
    open_account(EMAIL, "--staff")
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser) == (True, True)
    open_account(EMAIL)
    assert User.objects.get().is_staff, "leaving the option out takes nothing away"


@pytest.mark.django_db
def test_it_confirms_somebody_who_signed_up_and_never_confirmed() -> None:
    user = User.objects.create_user(EMAIL, PASSWORD)
    EmailAddress.objects.create(user=user, email=EMAIL, verified=False, primary=True)
    open_account(EMAIL)
    assert EmailAddress.objects.get().verified


@pytest.mark.parametrize("credit", ["abc", "-5", "1,000", "0.0000001", ""])
@pytest.mark.django_db
def test_a_bad_sum_is_refused_and_opens_nothing(credit: str) -> None:
    with pytest.raises(CommandError, match="Write a sum in dollars"):
        open_account(EMAIL, f"--credit={credit}")
    assert not User.objects.exists()


@pytest.mark.parametrize("email", ["dora", "", "dora@", "@example.org", "dora example.org"])
@pytest.mark.django_db
def test_something_that_is_no_address_is_refused_and_opens_nothing(email: str) -> None:
    with pytest.raises(CommandError, match="valid email address"):
        open_account(email)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_an_account_full_of_keys_is_refused_with_a_sentence_and_gets_no_credit() -> None:
    open_account(EMAIL)
    key = ApiKey.objects.get()
    for number in range(1, keys.ACTIVE_KEYS_MAX):
        keys.issue(key.account, key.created_by, f"key {number}")
    with pytest.raises(CommandError, match="You have 50 keys"):
        open_account(EMAIL, "--credit", "25")
    assert ledger.book(key.account).balance_micros == 0


@pytest.mark.django_db(transaction=True)
def test_eight_calls_at_the_same_moment_open_one_account() -> None:
    answers = together([partial(open_account, EMAIL, "--credit", "1")] * 8)
    assert [answer for answer in answers if isinstance(answer, BaseException)] == []
    assert User.objects.count() == Account.objects.count() == 1
    assert sums.audit().live.balance_micros == 8_000_000
    assert sums.audit().faults == []
