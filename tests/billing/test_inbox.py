"""The inbox: an event is kept, takes effect once, is retried when it fails, replayed by hand."""

from typing import Any
from uuid import uuid4

import pytest
import stripe
from django.utils import timezone

from accounts.opening import open_account
from billing import checkout, inbox, money
from billing.models import Purchase, Refund, StripeEvent
from tests.billing import stories
from tests.billing.stripe_desk import Desk
from tests.cast import Customer, customer

ALL = money.parse("25")
REPLAY = "/admin/act/stripeevent/replay/"
CHANGES = "/admin/billing/stripeevent/"


@pytest.fixture
def operator(db: None) -> Customer:
    del db
    olga = customer("olga")
    open_account(olga.user.email, staff=True)
    olga.user.refresh_from_db()
    return olga


def completed(desk: Desk, purchase: Purchase) -> StripeEvent:
    [event] = stories.events_of(desk, purchase)[-1:]
    assert event.type == "checkout.session.completed"
    return event


def break_stripe(desk: Desk, path: str) -> None:
    desk.control("faults", path=path, status=500, times=9)


def mend_stripe(desk: Desk) -> None:
    desk.control("faults", path="/v1/none", status=500, times=1)


def test_an_event_and_its_effect_are_kept_together(desk: Desk, bob: Customer) -> None:
    event = completed(desk, stories.buy(desk, bob))
    stories.receive(event)
    kept = StripeEvent.objects.get(pk=event.pk)
    assert kept.done_at is not None
    assert (kept.tries, kept.error) == (1, "")
    assert bob.balance_micros == ALL


def test_a_failing_event_keeps_its_error_and_has_no_effect(desk: Desk, bob: Customer) -> None:
    event = completed(desk, stories.buy(desk, bob))
    break_stripe(desk, "/v1/checkout/sessions")
    for tries in (1, 2):
        with pytest.raises(stripe.StripeError):
            stories.receive(event)
        kept = StripeEvent.objects.get(pk=event.pk)
        assert (kept.done_at, kept.tries) == (None, tries)
        assert kept.error
    mend_stripe(desk)
    assert bob.balance_micros == 0

    stories.receive(event)

    kept.refresh_from_db()
    assert (kept.error, kept.tries) == ("", 3)
    assert bob.balance_micros == ALL


def test_a_payment_of_another_sum_stays_undone_for_the_operator(desk: Desk, bob: Customer) -> None:
    event = completed(desk, stories.buy(desk, bob))
    Purchase.objects.update(amount_micros=money.parse("500"))
    with pytest.raises(checkout.PaymentMismatch):
        stories.receive(event)
    kept = StripeEvent.objects.get(pk=event.pk)
    assert kept.done_at is None
    assert "2500 cents" in kept.error


def test_a_done_event_is_not_worked_off_again(desk: Desk, bob: Customer) -> None:
    event = completed(desk, stories.buy(desk, bob))
    stories.receive(event)
    kept = StripeEvent.objects.get(pk=event.pk)
    assert inbox.work_off(kept) is False
    kept.refresh_from_db()
    assert kept.tries == 1


def test_a_replay_books_nothing_twice(desk: Desk, bob: Customer) -> None:
    purchase = stories.paid(desk, bob)
    stories.refund(desk, purchase, 1000)
    stories.deliver(stories.events_of(desk, purchase))
    before = stories.Books.of(bob)

    for kept in StripeEvent.objects.all():
        inbox.replay(kept)

    assert stories.Books.of(bob) == before
    assert set(StripeEvent.objects.values_list("tries", flat=True)) == {2}


def test_an_event_that_asks_nothing_of_us_is_kept_and_done(db: None) -> None:
    del db
    body = {"data": {"object": {"id": "prod_1"}}}
    stories.receive(StripeEvent(id="evt_1", type="product.created", payload=body))
    assert StripeEvent.objects.get().done_at is not None


def test_a_charge_that_was_refunded_leads_to_its_refunds(desk: Desk, bob: Customer) -> None:
    purchase = stories.paid(desk, bob)
    ids = {stories.refund(desk, purchase, 1000), stories.refund(desk, purchase, 500)}
    backstop = [one for one in stories.events_of(desk, purchase) if one.type == "charge.refunded"]

    stories.receive(backstop[0])

    assert set(Refund.objects.values_list("pk", flat=True)) == ids
    assert bob.balance_micros == money.parse("10")
    assert stories.faults() == []


def test_the_operator_sees_what_is_not_done_first(operator: Customer) -> None:
    now = timezone.now()
    for name, done in (("evt_done", now), ("evt_undone", None)):
        StripeEvent.objects.create(pk=name, type="x", payload={}, done_at=done)
    page: Any = operator.browser.get(CHANGES)
    shown = [event.pk for event in page.context["cl"].result_list]
    assert shown == ["evt_undone", "evt_done"]
    for outcome, events in (("undone", ["evt_undone"]), ("done", ["evt_done"]), ("failed", [])):
        page = operator.browser.get(CHANGES, {"outcome": outcome})
        assert [event.pk for event in page.context["cl"].result_list] == events


def test_the_operator_works_events_off_again(desk: Desk, bob: Customer, operator: Customer) -> None:
    event = completed(desk, stories.buy(desk, bob))
    break_stripe(desk, "/v1/checkout/sessions")
    with pytest.raises(stripe.StripeError):
        stories.receive(event)

    asked = {"reason": "It failed while Stripe was away", "key": str(uuid4())}
    failed: Any = operator.browser.post(f"{REPLAY}?pk={event.pk}", asked, follow=True)
    assert f"{event.pk} failed" in failed.content.decode()
    mend_stripe(desk)
    for _ in range(2):
        done: Any = operator.browser.post(f"{REPLAY}?pk={event.pk}", asked, follow=True)
        assert f"{event.pk} (checkout.session.completed) is done." in done.content.decode()

    assert bob.balance_micros == ALL


def test_customers_cannot_replay(alice: Customer) -> None:
    answer = alice.browser.post(f"{REPLAY}?pk=x", {"reason": "x", "key": str(uuid4())})
    assert answer.status_code == 302
