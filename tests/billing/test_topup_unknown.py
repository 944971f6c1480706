"""Nobody knows whether the card was charged: found out later, and never charged twice."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from billing import gateway, money, sums, topup
from billing.models import AutoTopUp, Purchase
from tests.billing import topups
from tests.billing.stripe_desk import Desk
from tests.billing.topups import payments_of, rule_of, top_ups
from tests.cast import Customer

Status = Purchase.Status
PAYMENTS = "/v1/payment_intents"


@pytest.fixture(autouse=True)
def _no_retries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the SDK ask once: what it would mend by itself is what we want to see here."""
    monkeypatch.setattr(gateway, "NETWORK_RETRIES_MAX", 0)
    gateway._client_for.cache_clear()
    yield
    gateway._client_for.cache_clear()


def age(purchase: Purchase, by: timedelta) -> None:
    """Make an open purchase older."""
    Purchase.objects.filter(pk=purchase.pk).update(created_at=timezone.now() - by)
    purchase.refresh_from_db()


@pytest.mark.parametrize("effect", ["none", "done", "remembered"])
def test_an_answer_that_went_wrong_leaves_the_purchase_open_and_blocks_the_next(
    bob: Customer, desk: Desk, effect: str
) -> None:
    topups.low(desk, bob)
    desk.control("faults", path=PAYMENTS, status=500, effect=effect)
    topup.attempt(bob.account)
    assert [one.status for one in top_ups(bob)] == [Status.OPEN]
    assert rule_of(bob).declines == 0
    assert topup.attempt(bob.account) is False
    assert bob.available_micros == money.parse("10")


@pytest.mark.parametrize("effect", ["none", "done"])
def test_asking_again_settles_it_with_one_payment(bob: Customer, desk: Desk, effect: str) -> None:
    topups.low(desk, bob)
    desk.control("faults", path=PAYMENTS, status=503, effect=effect)
    topup.attempt(bob.account)
    for _ in range(3):
        topup.settle(top_ups(bob)[0])
    assert [one.status for one in top_ups(bob)] == [Status.PAID]
    assert len(payments_of(desk, bob)) == 1
    assert bob.available_micros == money.parse("35")
    assert sums.audit().faults == []


def test_an_answer_lost_on_the_way_is_settled_by_the_webhook(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    desk.control("faults", path=PAYMENTS, status=500, effect="done")
    topup.attempt(bob.account)
    (payment,) = payments_of(desk, bob)
    assert desk.deliver(payment.id, "payment_intent.succeeded").status_code == 200
    assert [one.status for one in top_ups(bob)] == [Status.PAID]
    topup.settle(top_ups(bob)[0])
    assert bob.available_micros == money.parse("35")


def test_a_stripe_that_cannot_be_reached_is_asked_again(
    bob: Customer, desk: Desk, settings: Settings
) -> None:
    topups.low(desk, bob)
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    topup.attempt(bob.account)
    assert [one.status for one in top_ups(bob)] == [Status.OPEN]
    settings.STRIPE_API_BASE = desk.url
    topup.settle(top_ups(bob)[0])
    assert bob.available_micros == money.parse("35")


def test_an_error_that_stripe_repeats_ends_without_payment_and_without_blame(
    bob: Customer, desk: Desk
) -> None:
    topups.low(desk, bob)
    desk.control("faults", path=PAYMENTS, status=500, effect="remembered")
    topup.attempt(bob.account)
    (purchase,) = top_ups(bob)
    for minutes in (1, 9, 15):
        age(purchase, timedelta(minutes=minutes))
        topup.settle(purchase)
        assert top_ups(bob)[0].status == Status.OPEN
    age(purchase, timedelta(minutes=21))
    topup.settle(purchase)
    assert top_ups(bob)[0].status == Status.FAILED
    rule = rule_of(bob)
    assert (rule.state, rule.declines) == (AutoTopUp.State.ON, 0)
    assert "did not answer" in rule.told
    assert rule.next_try_at > timezone.now()
    assert payments_of(desk, bob) == []


def test_a_payment_that_was_made_is_found_however_late(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    topups.killed(desk, bob)
    (purchase,) = top_ups(bob)
    age(purchase, timedelta(days=3))
    topup.settle(purchase)
    assert [one.status for one in top_ups(bob)] == [Status.PAID]
    assert len(payments_of(desk, bob)) == 1


def test_the_next_run_settles_what_a_killed_process_left(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    purchase = topup._begin(bob.account)
    assert purchase is not None
    topup.run_due()
    assert top_ups(bob)[0].status == Status.OPEN
    age(purchase, timedelta(minutes=1))
    topup.run_due()
    assert top_ups(bob)[0].status == Status.PAID
    assert bob.available_micros == money.parse("35")


def test_asking_again_charges_the_card_that_was_asked_first(bob: Customer, desk: Desk) -> None:
    first = topups.low(desk, bob).payment_method
    desk.control("faults", path=PAYMENTS, status=500)
    topup.attempt(bob.account)
    topups.use_card(desk, bob, "pm_card_visa")
    topup.settle(top_ups(bob)[0])
    (payment,) = payments_of(desk, bob)
    assert payment.payment_method == first
    assert top_ups(bob)[0].status == Status.PAID


def test_an_attempt_that_succeeds_after_we_gave_it_up_is_credited_all_the_same(
    bob: Customer, desk: Desk
) -> None:
    topups.low(desk, bob)
    purchase = topups.killed(desk, bob)
    Purchase.objects.filter(pk=purchase.pk).update(status=Status.FAILED, told="Given up.")
    (payment,) = payments_of(desk, bob)
    desk.deliver(payment.id, "payment_intent.succeeded")
    (purchase,) = top_ups(bob)
    assert (purchase.status, purchase.told) == (Status.PAID, "")
    assert bob.available_micros == money.parse("35")
