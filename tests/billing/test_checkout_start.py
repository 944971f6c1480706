"""Starting a purchase: our row first, then one session at Stripe, even if its answer is lost."""

import pytest
import stripe

from billing import checkout, money, sums
from billing.models import PaymentProfile, Purchase
from tests.billing.stripe_desk import Desk, purchase_of
from tests.cast import Customer

SESSIONS = "/v1/checkout/sessions"


def test_the_purchase_is_written_down_with_its_session(bob: Customer, desk: Desk) -> None:
    session = desk.started(bob, "12.50")
    purchase = purchase_of(bob.account)
    assert purchase.status == Purchase.Status.OPEN
    assert purchase.amount_micros == money.parse("12.50")
    assert (purchase.session, purchase.payment_intent, purchase.paid_at) == (session, "", None)


def test_the_session_carries_the_sum_and_our_reference(bob: Customer, desk: Desk) -> None:
    session = desk.session(desk.started(bob, "12.50"))
    purchase = purchase_of(bob.account)
    assert (session.amount_subtotal, session.currency) == (1250, "usd")
    assert session.client_reference_id == str(purchase.pk)
    assert session.customer == PaymentProfile.objects.get(account=bob.account).customer
    assert session.metadata is not None
    assert session.metadata.to_dict() == {
        "purchase": str(purchase.pk),
        "account": str(bob.account.pk),
    }


def test_the_session_ends_within_the_hour_and_leads_back_to_us(bob: Customer, desk: Desk) -> None:
    session = desk.session(desk.started(bob))
    assert session.expires_at - session.created <= checkout.SESSION_SECONDS + 5
    assert session.success_url is not None
    assert session.success_url.endswith("/billing/return?session={CHECKOUT_SESSION_ID}")
    assert session.cancel_url is not None
    assert session.cancel_url.endswith("/billing")


def test_the_payment_carries_our_reference_too(bob: Customer, desk: Desk) -> None:
    session = desk.session(desk.bought(bob))
    assert isinstance(session.payment_intent, str)
    intent = desk.api.v1.payment_intents.retrieve(session.payment_intent)
    assert intent.metadata.to_dict()["purchase"] == str(purchase_of(bob.account).pk)


def test_starting_credits_nothing(bob: Customer, desk: Desk) -> None:
    desk.started(bob)
    assert bob.balance_micros == 0
    assert sums.audit().transfers == 0


def test_every_start_is_a_purchase_of_its_own(bob: Customer, desk: Desk) -> None:
    first, second = desk.started(bob), desk.started(bob)
    assert first != second
    assert set(Purchase.objects.values_list("session", flat=True)) == {first, second}


@pytest.mark.parametrize("effect", ["none", "done"])
def test_an_answer_lost_on_the_way_leads_to_one_session(
    bob: Customer, desk: Desk, effect: str
) -> None:
    desk.control("faults", path=SESSIONS, status=500, effect=effect, times=1)
    session = desk.started(bob)
    (known,) = desk.sessions_of(purchase_of(bob.account))
    assert known.id == session


def test_a_purchase_can_never_have_a_second_session(bob: Customer, desk: Desk) -> None:
    desk.started(bob, "25")
    key = f"purchase:{purchase_of(bob.account).pk}"
    with pytest.raises(stripe.IdempotencyError):
        desk.api.v1.checkout.sessions.create(
            {"mode": "payment", "success_url": "http://127.0.0.1:9/other"},
            options={"idempotency_key": key},
        )


def test_when_stripe_refuses_the_purchase_stays_open_without_a_session(
    bob: Customer, desk: Desk
) -> None:
    desk.control("faults", path=SESSIONS, status=400, times=1)
    with pytest.raises(stripe.StripeError):
        desk.started(bob)
    purchase = purchase_of(bob.account)
    assert (purchase.status, purchase.session) == (Purchase.Status.OPEN, None)
    assert desk.sessions_of(purchase) == []
