"""Stripe's webhook: signed or refused, kept with its effect, and an effect only once."""

import json
import time

import pytest
import stripe
from pytest_django import Settings

from billing import checkout, money, sums
from billing.models import Purchase, StripeEvent, Transfer
from tests.billing.stripe_desk import (
    FAILS_LATE,
    SETTLES_LATE,
    Desk,
    post_event,
    purchase_of,
)
from tests.cast import Customer

COMPLETED = "checkout.session.completed"
SUCCEEDED = "checkout.session.async_payment_succeeded"
FAILED = "checkout.session.async_payment_failed"
EXPIRED = "checkout.session.expired"
SECRET = "whsec_of_this_test"


@pytest.fixture
def secret(settings: Settings) -> str:
    """A signing secret that the test knows too."""
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    return SECRET


def signed(body: str, secret: str, age_seconds: int = 0) -> str:
    """The Stripe-Signature header of a body."""
    moment = int(time.time()) - age_seconds
    proof = stripe.WebhookSignature._compute_signature(f"{moment}.{body}", secret)
    return f"t={moment},v1={proof}"


def event(name: str, **changes: object) -> str:
    """An event of our own making, as JSON."""
    body = {
        "id": "evt_made_here",
        "object": "event",
        "type": name,
        "api_version": "2026-10-28.endive",
        "data": {"object": {"id": "x_1", "object": "thing"}},
    }
    return json.dumps(body | changes)


def test_a_signed_event_credits_the_purchase_and_is_kept(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob)
    assert desk.deliver(session, COMPLETED).status_code == 200
    assert bob.balance_micros == money.parse("25")
    assert purchase_of(bob.account).status == Purchase.Status.PAID
    kept = StripeEvent.objects.get()
    assert (kept.type, kept.payload["data"]["object"]["id"]) == (COMPLETED, session)


def test_the_same_event_twice_credits_once(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob)
    answers = [desk.deliver(session, COMPLETED).status_code for _ in range(2)]
    assert answers == [200, 200]
    assert bob.balance_micros == money.parse("25")
    assert StripeEvent.objects.count() == Transfer.objects.count() == 1


def test_an_event_after_the_return_page_credits_nothing_more(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob)
    checkout.fulfil(session)
    desk.deliver(session, COMPLETED)
    assert bob.balance_micros == money.parse("25")
    assert StripeEvent.objects.count() == 1


@pytest.mark.parametrize(
    "signature",
    ["", "nonsense", "t=1,v1=00", "t=abc,v1=00", "v1=00", f"t={2**70},v1={'0' * 64}"],
)
def test_a_bad_signature_is_refused_with_400(bob: Customer, desk: Desk, signature: str) -> None:
    session = desk.bought(bob)
    payload, _ = desk.signed(session, COMPLETED)
    answer = post_event(payload, signature)
    assert (answer.status_code, answer.content) == (400, b"The signature does not match.")
    assert bob.balance_micros == 0
    assert not StripeEvent.objects.exists()


def test_a_body_changed_after_signing_is_refused(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob)
    payload, signature = desk.signed(session, COMPLETED)
    assert post_event(payload.replace("2500", "9900"), signature).status_code == 400
    assert bob.balance_micros == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("secret")
def test_a_signature_of_another_secret_is_refused() -> None:
    body = event("customer.created")
    assert post_event(body, signed(body, "whsec_other")).status_code == 400


@pytest.mark.django_db
def test_a_delivery_replayed_after_ten_minutes_is_refused(secret: str) -> None:
    body = event("customer.created")
    assert post_event(body, signed(body, secret, age_seconds=600)).status_code == 400


@pytest.mark.parametrize("body", ["", "not json", "\ufffd"])
@pytest.mark.django_db
def test_a_signed_body_that_is_no_event_is_refused(secret: str, body: str) -> None:
    assert post_event(body, signed(body, secret)).status_code == 400
    assert not StripeEvent.objects.exists()


@pytest.mark.django_db
def test_a_thin_event_is_refused(secret: str) -> None:
    body = event("v1.billing.meter.error_report_triggered", object="v2.core.event")
    assert post_event(body, signed(body, secret)).status_code == 400


@pytest.mark.django_db
def test_an_event_we_do_not_know_is_kept_and_answered_200(secret: str) -> None:
    body = event("customer.created")
    assert post_event(body, signed(body, secret)).status_code == 200
    assert post_event(body, signed(body, secret)).status_code == 200
    kept = StripeEvent.objects.get()
    assert (kept.pk, kept.type, kept.payload) == (
        "evt_made_here",
        "customer.created",
        json.loads(body),
    )


@pytest.mark.django_db
def test_an_event_of_another_version_is_taken_and_reported(
    secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = event("customer.created", api_version="2020-08-27")
    assert post_event(body, signed(body, secret)).status_code == 200
    assert "has version 2020-08-27" in caplog.text


@pytest.mark.django_db
@pytest.mark.usefixtures("client")
def test_the_webhook_answers_only_to_post(bob: Customer) -> None:
    assert bob.browser.get("/hooks/stripe").status_code == 405


def test_a_late_payment_is_credited_when_it_arrives(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob, number=SETTLES_LATE)
    desk.deliver(session, COMPLETED)
    assert (bob.balance_micros, purchase_of(bob.account).status) == (0, Purchase.Status.OPEN)
    desk.control(f"payments/{session}/settle")
    desk.deliver(session, SUCCEEDED)
    assert bob.balance_micros == money.parse("25")
    assert purchase_of(bob.account).status == Purchase.Status.PAID
    assert StripeEvent.objects.count() == 2


def test_two_events_that_carry_one_fact_credit_once(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob, number=SETTLES_LATE)
    desk.control(f"payments/{session}/settle")
    # Late and out of order: at the time of both deliveries the session is paid.
    desk.deliver(session, SUCCEEDED)
    desk.deliver(session, COMPLETED)
    assert bob.balance_micros == money.parse("25")
    assert (StripeEvent.objects.count(), Transfer.objects.count()) == (2, 1)


def test_a_late_payment_that_fails_closes_the_purchase(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob, number=FAILS_LATE)
    desk.deliver(session, COMPLETED)
    desk.control(f"payments/{session}/fail")
    desk.deliver(session, FAILED)
    assert purchase_of(bob.account).status == Purchase.Status.FAILED
    assert bob.balance_micros == 0


def test_the_completion_of_a_failed_payment_coming_last_reopens_nothing(
    bob: Customer, desk: Desk
) -> None:
    session = desk.bought(bob, number=FAILS_LATE)
    desk.control(f"payments/{session}/fail")
    desk.deliver(session, FAILED)
    desk.deliver(session, COMPLETED)
    assert purchase_of(bob.account).status == Purchase.Status.FAILED
    assert bob.balance_micros == 0


def test_an_expired_session_closes_the_purchase(bob: Customer, desk: Desk) -> None:
    session = desk.started(bob)
    desk.api.v1.checkout.sessions.expire(session)
    assert desk.deliver(session, EXPIRED).status_code == 200
    assert purchase_of(bob.account).status == Purchase.Status.EXPIRED


def test_an_expired_session_closes_a_purchase_that_never_learned_its_session(
    bob: Customer, desk: Desk
) -> None:
    session = desk.started(bob)
    Purchase.objects.update(session=None)
    desk.api.v1.checkout.sessions.expire(session)
    desk.deliver(session, EXPIRED)
    assert purchase_of(bob.account).status == Purchase.Status.EXPIRED


def test_an_expiry_that_comes_after_the_payment_takes_nothing_back(
    bob: Customer, desk: Desk, secret: str
) -> None:
    session = desk.bought(bob)
    checkout.fulfil(session)
    reference = str(purchase_of(bob.account).pk)
    body = event(EXPIRED, data={"object": {"id": session, "client_reference_id": reference}})
    assert post_event(body, signed(body, secret)).status_code == 200
    assert purchase_of(bob.account).status == Purchase.Status.PAID
    assert bob.balance_micros == money.parse("25")


def test_an_event_before_the_session_was_written_down_still_credits(
    bob: Customer, desk: Desk
) -> None:
    session = desk.bought(bob)
    Purchase.objects.update(session=None)
    desk.deliver(session, COMPLETED)
    assert bob.balance_micros == money.parse("25")
    assert purchase_of(bob.account).status == Purchase.Status.PAID


@pytest.mark.django_db
def test_an_event_about_a_session_that_is_not_ours_is_kept_and_credits_nobody(desk: Desk) -> None:
    session = desk.foreign_session()
    assert desk.deliver(session.id, COMPLETED).status_code == 200
    assert StripeEvent.objects.count() == 1
    assert sums.audit().transfers == 0


def test_an_event_that_claims_a_payment_stripe_does_not_confirm_credits_nothing(
    bob: Customer, desk: Desk, secret: str
) -> None:
    session = desk.started(bob)
    body = event(COMPLETED, data={"object": {"id": session, "payment_status": "paid"}})
    assert post_event(body, signed(body, secret)).status_code == 200
    assert bob.balance_micros == 0


def test_a_mismatch_is_not_answered_200_so_stripe_keeps_telling_us(
    bob: Customer, desk: Desk
) -> None:
    session = desk.bought(bob)
    Purchase.objects.update(amount_micros=money.parse("250"))
    with pytest.raises(checkout.PaymentMismatch):
        desk.deliver(session, COMPLETED)
    kept = StripeEvent.objects.get()
    assert (kept.done_at, kept.tries) == (None, 1)
    assert "of $250.00" in kept.error
    assert bob.balance_micros == 0

    Purchase.objects.update(amount_micros=money.parse("25"))
    assert desk.deliver(session, COMPLETED).status_code == 200
    assert bob.balance_micros == money.parse("25")


def test_an_event_that_stripe_cannot_confirm_now_is_taken_at_the_next_delivery(
    bob: Customer, desk: Desk
) -> None:
    session = desk.bought(bob)
    delivery = desk.signed(session, COMPLETED)
    desk.control("faults", path=f"/v1/checkout/sessions/{session}", status=400, times=1)
    with pytest.raises(stripe.StripeError):
        post_event(*delivery)
    assert StripeEvent.objects.get().done_at is None
    assert post_event(*delivery).status_code == 200
    assert StripeEvent.objects.get().done_at is not None
    assert bob.balance_micros == money.parse("25")
