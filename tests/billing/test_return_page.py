"""Back from Checkout: welcomed when the payment is through, told to wait when it is not."""

import html
from typing import Any

import pytest
from django.test import Client

from billing import money
from billing.models import Purchase
from tests.billing.stripe_desk import SETTLES_LATE, Desk, purchase_of
from tests.cast import Customer

ON_ITS_WAY = "Your payment is on its way. The credit appears here by itself."


def come_back(customer: Customer, session: str | None) -> str:
    """Follow the return address to the billing page and read it."""
    entry = {} if session is None else {"session": session}
    answer: Any = customer.browser.get("/billing/return", entry, follow=True)
    assert answer.redirect_chain == [("/billing", 302)]
    return html.unescape(answer.content.decode())


@pytest.mark.django_db
def test_the_return_page_asks_for_sign_in() -> None:
    answer = Client().get("/billing/return?session=cs_1")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login")


def test_a_buyer_who_paid_is_credited_at_once(bob: Customer, desk: Desk) -> None:
    shown = come_back(bob, desk.bought(bob, "25"))
    assert "$25.00 of credit is yours." in shown
    assert bob.balance_micros == money.parse("25")


def test_reloading_the_return_page_credits_once(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob, "25")
    for _ in range(3):
        assert "$25.00 of credit is yours." in come_back(bob, session)
    assert bob.balance_micros == money.parse("25")


def test_a_buyer_whose_bank_still_works_is_told_to_wait(bob: Customer, desk: Desk) -> None:
    shown = come_back(bob, desk.bought(bob, number=SETTLES_LATE))
    assert "Your bank is still working on it." in shown
    assert bob.balance_micros == 0


@pytest.mark.parametrize("session", [None, "", "cs_test_none", "../../balance", "a b\x00"])
@pytest.mark.usefixtures("desk")
def test_a_session_that_does_not_exist_is_answered_like_one_on_its_way(
    bob: Customer, session: str | None
) -> None:
    assert ON_ITS_WAY in come_back(bob, session)
    assert bob.balance_micros == 0


def test_somebody_elses_session_shows_nothing_of_it(
    alice: Customer, charlie: Customer, desk: Desk
) -> None:
    session = desk.bought(alice, "77.77")
    shown = come_back(charlie, session)
    assert ON_ITS_WAY in shown
    assert "77.77" not in shown
    assert alice.user.email not in shown
    assert charlie.balance_micros == money.parse("5")


def test_somebody_elses_session_is_credited_to_its_buyer_only(
    alice: Customer, charlie: Customer, desk: Desk
) -> None:
    session = desk.bought(alice, "10")
    come_back(charlie, session)
    come_back(alice, session)
    assert alice.balance_micros == money.parse("35")
    assert charlie.balance_micros == money.parse("5")


def test_a_payment_that_does_not_match_is_credited_by_nobody(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob)
    Purchase.objects.update(amount_micros=money.parse("250"))
    assert ON_ITS_WAY in come_back(bob, session)
    assert bob.balance_micros == 0
    assert purchase_of(bob.account).status == Purchase.Status.OPEN


def test_when_stripe_does_not_answer_the_buyer_is_told_to_wait(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob)
    desk.control("faults", path=f"/v1/checkout/sessions/{session}", status=400, times=1)
    assert ON_ITS_WAY in come_back(bob, session)
    assert bob.balance_micros == 0
    assert "$25.00 of credit is yours." in come_back(bob, session)
