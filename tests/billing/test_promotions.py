"""Promotion codes and the credit that a new account starts with."""

import html
import re
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Account, User
from accounts.opening import account_of
from billing import ledger, money, promotions, sums
from billing.models import Grant, PromoCode, Transfer
from tests.billing.races import together
from tests.cast import Customer, customer

REFUSAL = "This code is not valid, or no longer. Look at how it is spelled."


def code(word: str = "GALLOP5", dollars: str = "5", **changes: Any) -> PromoCode:
    facts = {
        "code": word,
        "amount_micros": money.parse(dollars),
        "life_days": 30,
        "redemptions_max": 5,
        "valid_until": timezone.now() + timedelta(days=1),
    }
    return PromoCode.objects.create(**(facts | changes))


def page(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_a_code_gives_its_credit_for_its_life(bob: Customer) -> None:
    promo = code(life_days=7)
    assert promotions.redeem(bob.account, "GALLOP5") == 5_000_000
    assert bob.available_micros == 5_000_000
    grant = Grant.objects.get(account=bob.account)
    assert grant.expires_at - grant.created_at == pytest.approx(
        timedelta(days=7), abs=timedelta(seconds=5)
    )
    promo.refresh_from_db()
    assert promo.redemptions == 1
    assert Transfer.objects.get().memo == "Code GALLOP5"


@pytest.mark.parametrize("typed", ["gallop5", " Gallop5 ", "GAL LOP5", "\tgallop5\n"])
def test_small_letters_and_blanks_do_not_matter(bob: Customer, typed: str) -> None:
    code()
    promotions.redeem(bob.account, typed)
    assert bob.available_micros == 5_000_000


def test_a_code_gives_once_per_account(bob: Customer) -> None:
    promo = code()
    promotions.redeem(bob.account, "GALLOP5")
    with pytest.raises(promotions.CodeUsed):
        promotions.redeem(bob.account, "gallop5")
    promo.refresh_from_db()
    assert (promo.redemptions, bob.available_micros) == (1, 5_000_000)


def test_a_code_that_was_deleted_and_made_anew_gives_nobody_twice(bob: Customer) -> None:
    code().delete()
    code()
    promotions.redeem(bob.account, "GALLOP5")
    PromoCode.objects.all().delete()
    code()
    with pytest.raises(promotions.CodeUsed):
        promotions.redeem(bob.account, "GALLOP5")


@pytest.mark.parametrize("why", ["unknown", "expired", "used up"])
def test_unknown_expired_and_used_up_codes_are_answered_alike(bob: Customer, why: str) -> None:
    if why == "expired":
        code(valid_until=timezone.now())
    if why == "used up":
        code(redemptions_max=0)
    answer = bob.browser.post("/billing/code", {"code": "GALLOP5"})
    beside = page(answer).partition('id="id_code_error"')[2].partition("</div>")[0]
    assert re.sub(r"<[^>]+>", "", beside).partition(">")[2].strip() == REFUSAL
    assert bob.balance_micros == 0


@pytest.mark.django_db(transaction=True)
def test_twenty_accounts_at_once_redeem_a_code_for_five_five_times() -> None:
    promo = code(redemptions_max=5)
    accounts = [customer(f"racer{number}").account for number in range(20)]
    done = together([partial(promotions.redeem, account, promo.code) for account in accounts])
    counted = Counter(one if isinstance(one, int) else type(one) for one in done)
    assert counted == {5_000_000: 5, promotions.CodeRefused: 15}
    promo.refresh_from_db()
    assert promo.redemptions == 5
    assert Grant.objects.count() == Transfer.objects.count() == 5
    assert sums.audit().faults == []


@pytest.mark.django_db(transaction=True)
def test_one_account_that_redeems_twenty_times_at_once_is_given_once(bob: Customer) -> None:
    promo = code(redemptions_max=5)
    done = together([lambda: promotions.redeem(bob.account, "GALLOP5")] * 20)
    assert Counter(type(one) for one in done)[int] == 1
    promo.refresh_from_db()
    assert (promo.redemptions, bob.available_micros) == (1, 5_000_000)


def test_the_page_redeems_and_shows_when_the_credit_ends(bob: Customer) -> None:
    code(life_days=10)
    answer = bob.browser.post("/billing/code", {"code": "gallop5"}, follow=True)
    assert "$5.00 of credit is yours." in page(answer)
    ends = f"{timezone.now() + timedelta(days=10):%d %B %Y}".lstrip("0")
    gifts = page(answer).partition('id="gifts"')[2].partition("</ul>")[0]
    assert "$5.00" in gifts
    assert f"It ends on {ends}." in gifts


def test_a_code_used_before_says_so_beside_the_field(bob: Customer) -> None:
    code()
    browser = bob.browser
    browser.post("/billing/code", {"code": "gallop5"})
    answer = browser.post("/billing/code", {"code": "gallop5"})
    assert "You have used this code already." in page(answer)
    assert '<details class="fold" id="code" open>' in page(answer)


def test_redeeming_asks_for_sign_in_and_for_a_post(bob: Customer) -> None:
    code()
    assert Client().post("/billing/code", {"code": "GALLOP5"}).status_code == 302
    assert bob.browser.get("/billing/code?code=GALLOP5").status_code == 302
    assert not Grant.objects.exists()


# The credit of a new account


def confirmed(user: User, address: str) -> EmailAddress:
    """Confirm an address the way allauth does."""
    email = EmailAddress.objects.create(user=user, email=address, verified=True)
    email_confirmed.send(sender=EmailAddress, request=None, email_address=email)
    return email


def signed_up(address: str = "new@example.org") -> Account:
    """Walk through sign-up and the mailed link, as a browser does."""
    browser = Client()
    browser.post("/account/signup/", {"email": address, "password1": "a-long-enough-word"})
    link = re.search(r"/account/confirm-email/[^\s]+", str(mail.outbox[-1].body))
    assert link is not None
    assert ledger.book(account_of(User.objects.get(email=address))).balance_micros == 0
    browser.post(link[0])
    assert EmailAddress.objects.get(email=address).verified
    return account_of(User.objects.get(email=address))


@pytest.mark.django_db
def test_a_confirmed_new_account_starts_with_credit_that_ends(settings: Settings) -> None:
    settings.SIGNUP_CREDIT, settings.SIGNUP_CREDIT_DAYS = "2.50", 14
    account = signed_up()
    assert ledger.book(account).available_micros == 2_500_000
    grant = Grant.objects.get(account=account)
    assert (grant.expires_at - grant.created_at).days in {13, 14}


@pytest.mark.django_db
def test_without_the_setting_nothing_is_given() -> None:
    assert ledger.book(signed_up()).balance_micros == 0
    assert not Transfer.objects.exists()


@pytest.mark.django_db
def test_a_second_address_or_a_second_confirmation_gives_nothing_more(settings: Settings) -> None:
    settings.SIGNUP_CREDIT = "2"
    account = signed_up()
    user = account.users.get()
    confirmed(user, "other@example.org")
    assert not promotions.welcome(account)
    assert ledger.book(account).balance_micros == 2_000_000


def test_an_old_account_that_changes_its_address_is_no_new_one(
    bob: Customer, settings: Settings
) -> None:
    settings.SIGNUP_CREDIT = "2"
    confirmed(bob.user, "bob-again@example.org")
    assert bob.balance_micros == 0


@pytest.mark.django_db(transaction=True)
def test_many_confirmations_at_once_give_once(bob: Customer, settings: Settings) -> None:
    settings.SIGNUP_CREDIT = "2"
    done = together([lambda: promotions.welcome(bob.account)] * 10)
    assert sum(one is True for one in done) == 1
    assert bob.available_micros == 2_000_000


# The operator's side


@pytest.fixture
def operator(bob: Customer) -> Client:
    """Bob, who now runs the house."""
    bob.user.is_staff = bob.user.is_superuser = True
    bob.user.save(update_fields=["is_staff", "is_superuser"])
    return bob.browser


def entry(**changes: str) -> dict[str, str]:
    until = timezone.now() + timedelta(days=3)
    return {
        "code": "spring 26",
        "amount_micros": "2.50",
        "life_days": "30",
        "redemptions_max": "100",
        "valid_until_0": f"{until:%Y-%m-%d}",
        "valid_until_1": "12:00:00",
    } | changes


def test_the_operator_types_dollars_and_any_letters(operator: Client, alice: Customer) -> None:
    answer = operator.post("/admin/billing/promocode/add/", entry())
    assert answer.status_code == 302, page(answer)
    promo = PromoCode.objects.get()
    assert (promo.code, promo.amount_micros) == ("SPRING26", 2_500_000)
    shown = page(operator.get(f"/admin/billing/promocode/{promo.pk}/change/"))
    assert 'value="2.50"' in shown
    assert "$2.50" in page(operator.get("/admin/billing/promocode/"))
    assert promotions.redeem(alice.account, "Spring26") == 2_500_000


def test_the_operator_cannot_type_nonsense(operator: Client, alice: Customer) -> None:
    for wrong in ({"amount_micros": "-1"}, {"amount_micros": "0"}, {"code": " "}):
        assert operator.post("/admin/billing/promocode/add/", entry(**wrong)).status_code == 200
    assert not PromoCode.objects.exists()
    operator.post("/admin/billing/promocode/add/", entry())
    promotions.redeem(alice.account, "SPRING26")
    path = f"/admin/billing/promocode/{PromoCode.objects.get().pk}/change/"
    answer = operator.post(path, entry(redemptions_max="0"))
    assert "It was redeemed 1 times already." in page(answer)
