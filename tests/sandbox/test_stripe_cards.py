"""What each test card does at checkout, through the page as a buyer without script uses it."""

import pytest
import stripe
from stripe import PaymentIntent

from sandbox.stripe.cards import BY_NUMBER, CARDS
from tests.sandbox import stripe_shop
from tests.sandbox.stripe_shop import (
    ASKS_ALWAYS,
    ASKS_ONCE,
    DECLINED,
    DISPUTED,
    FAILS_LATE,
    PAYS,
    SETTLES_LATE,
    Shop,
)

shop = pytest.fixture(stripe_shop.shop)

INSUFFICIENT = "4000000000009995"
INQUIRY = "4000000000001976"
WARNED = "4000000000005423"


def intent_of(shop: Shop, session: stripe.checkout.Session) -> PaymentIntent:
    intent = shop.session(session, "payment_intent").payment_intent
    assert isinstance(intent, PaymentIntent)
    return intent


@pytest.mark.parametrize(
    ("number", "reason", "message"),
    [
        (DECLINED, "generic_decline", "Your card was declined."),
        (INSUFFICIENT, "insufficient_funds", "Your card has insufficient funds."),
    ],
)
def test_a_decline_says_so_and_the_session_can_still_be_paid(
    shop: Shop, number: str, reason: str, message: str
) -> None:
    session = shop.checkout()
    answer = shop.fill(session, number, email="grace@example.com")
    assert answer.status_code == 402
    assert f"{message} You were not charged." in answer.text
    assert 'value="grace@example.com"' in answer.text
    intent = intent_of(shop, session)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == reason
    assert shop.happened()[-2:] == ["charge.failed", "payment_intent.payment_failed"]

    assert shop.fill(session, PAYS).status_code == 303
    assert intent_of(shop, session).id == intent.id
    assert shop.session(session).payment_status == "paid"
    charges = shop.stripe.v1.charges.list({"payment_intent": intent.id}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]


@pytest.mark.parametrize("number", [ASKS_ONCE, ASKS_ALWAYS])
def test_a_bank_that_asks_is_answered_by_one_click(shop: Shop, number: str) -> None:
    session = shop.checkout()
    answer = shop.fill(session, number)
    assert answer.status_code == 303
    assert intent_of(shop, session).status == "requires_action"
    assert shop.session(session).status == "open"
    assert shop.happened()[-1] == "payment_intent.requires_action"
    bank = answer.headers["location"]
    assert "Confirm payment" in shop.browser.get(bank).text

    answer = shop.browser.post(bank, data={"answer": "confirm"})
    assert answer.headers["location"].endswith(f"thanks?session={session.id}")
    assert shop.session(session).payment_status == "paid"
    assert shop.browser.get(bank).status_code == 410


def test_a_payment_refused_at_the_bank_charges_nothing_and_can_be_tried_again(shop: Shop) -> None:
    session = shop.checkout()
    bank = shop.fill(session, ASKS_ONCE).headers["location"]
    answer = shop.browser.post(bank, data={"answer": "refuse"})
    assert answer.status_code == 402
    assert "You were not charged." in answer.text
    error = intent_of(shop, session).last_payment_error
    assert error is not None
    assert error.code == "payment_intent_authentication_failure"
    assert shop.fill(session, PAYS).status_code == 303


def test_confirming_twice_charges_once(shop: Shop) -> None:
    session = shop.checkout()
    bank = shop.fill(session, ASKS_ONCE).headers["location"]
    for _ in range(2):
        assert shop.browser.post(bank, data={"answer": "confirm"}).status_code == 303
    assert len(shop.stripe.v1.charges.list().data) == 1


def test_a_late_payment_completes_unpaid_and_is_paid_by_the_clock(shop: Shop) -> None:
    session = shop.bought(SETTLES_LATE, invoice_creation={"enabled": True})
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    assert session.invoice is None
    assert intent_of(shop, session).status == "processing"
    assert shop.stripe.v1.balance_transactions.list().data == []
    shop.later(4.9)
    assert shop.session(session).payment_status == "unpaid"
    shop.later(0.1)
    session = shop.session(session)
    assert session.payment_status == "paid"
    assert session.invoice is not None
    assert shop.happened()[-1] == "checkout.session.async_payment_succeeded"


def test_a_late_payment_that_fails_stays_unpaid(shop: Shop) -> None:
    session = shop.bought(FAILS_LATE)
    shop.later(5)
    session = shop.session(session)
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    assert intent_of(shop, session).status == "requires_payment_method"
    assert shop.happened()[-3:] == [
        "charge.failed",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]


@pytest.mark.parametrize(("verdict", "paid"), [("settle", "paid"), ("fail", "unpaid")])
def test_a_late_payment_is_ended_by_hand(shop: Shop, verdict: str, paid: str) -> None:
    session = shop.bought(SETTLES_LATE)
    shop.control("post", f"payments/{session.id}/{verdict}")
    assert shop.session(session).payment_status == paid
    with pytest.raises(stripe.InvalidRequestError, match="not processing"):
        shop.control("post", f"payments/{session.id}/{verdict}")
    before = shop.happened()
    shop.later(60)
    assert shop.happened() == before


def test_a_disputed_card_pays_and_is_disputed_after_completion(shop: Shop) -> None:
    session = shop.bought(DISPUTED)
    assert session.payment_status == "paid"
    assert shop.happened()[-3:] == [
        "checkout.session.completed",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]


def test_an_inquiry_moves_no_money_and_a_fraud_warning_neither(shop: Shop) -> None:
    shop.bought(INQUIRY)
    shop.bought(WARNED)
    (dispute,) = shop.stripe.v1.disputes.list().data
    assert dispute.status == "warning_needs_response"
    (warning,) = shop.stripe.v1.radar.early_fraud_warnings.list().data
    assert warning.actionable
    assert {row.type for row in shop.stripe.v1.balance_transactions.list().data} == {"charge"}


def test_every_card_can_be_filled_in_by_its_link(shop: Shop) -> None:
    session = shop.checkout()
    page = shop.browser.get(f"/pay/{session.id}").text
    for card in CARDS:
        assert f'href="/pay/{session.id}?card={card.number}"' in page
        filled = shop.browser.get(f"/pay/{session.id}", params={"card": card.number}).text
        assert f'value="{card.spaced}"' in filled


def test_every_number_passes_the_check_digit() -> None:
    for number in BY_NUMBER:
        digits = [int(digit) for digit in reversed(number)]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
        assert (sum(digits[::2]) + sum(doubled)) % 10 == 0
