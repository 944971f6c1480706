"""What Stripe tells of automatic payments: any order, any number of times, one end."""

from functools import partial
from itertools import permutations

import pytest

from billing import checkout, money, sums, topup
from billing.models import AutoTopUp, Purchase, StripeEvent, Transfer
from tests.billing import topups
from tests.billing.races import together
from tests.billing.stripe_desk import Desk
from tests.billing.topups import payments_of, rule_of, top_ups
from tests.cast import Customer, customer

State = AutoTopUp.State
Status = Purchase.Status
ORDERS = list(permutations(range(3)))


def tell(desk: Desk, customer: Customer, order: tuple[int, ...]) -> None:
    """Deliver the events of the only automatic payment, each twice, in this order."""
    (payment,) = payments_of(desk, customer)
    events = topups.events_about(desk, payment.id)
    assert len(events) == len(order)
    for index in order:
        assert topups.deliver(desk, events[index]) == 200
        StripeEvent.objects.filter(pk=events[index]).update(done_at=None)
        assert topups.deliver(desk, events[index]) == 200


@pytest.mark.parametrize("order", ORDERS)
def test_a_success_is_credited_once_in_every_order(
    bob: Customer, desk: Desk, order: tuple[int, ...]
) -> None:
    topups.low(desk, bob)
    topups.killed(desk, bob)
    tell(desk, bob, order)
    assert [one.status for one in top_ups(bob)] == [Status.PAID]
    assert bob.available_micros == money.parse("35")
    assert Transfer.objects.count() == 2
    assert sums.audit().faults == []


@pytest.mark.parametrize("order", ORDERS)
def test_a_decline_counts_once_in_every_order(
    bob: Customer, desk: Desk, order: tuple[int, ...]
) -> None:
    topups.low(desk, bob, topups.DECLINES_LATER)
    purchase = topups.killed(desk, bob)
    tell(desk, bob, order)
    topup.settle(purchase)
    assert [one.status for one in top_ups(bob)] == [Status.FAILED]
    assert (rule_of(bob).state, rule_of(bob).declines) == (State.ON, 1)
    assert bob.available_micros == money.parse("10")


@pytest.mark.django_db(transaction=True)
def test_a_decline_told_twice_by_all_events_at_the_same_moment_counts_once(desk: Desk) -> None:
    dora = customer("dora")
    topups.low(desk, dora, topups.DECLINES_LATER)
    topups.killed(desk, dora)
    (payment,) = payments_of(desk, dora)
    events = topups.events_about(desk, payment.id)

    answers = together([partial(topups.deliver, desk, event) for event in events * 2])

    assert answers == [200] * len(answers)
    assert [one.status for one in top_ups(dora)] == [Status.FAILED]
    assert (rule_of(dora).state, rule_of(dora).declines) == (State.ON, 1)
    assert dora.available_micros == money.parse("10")
    assert sums.audit().faults == []


@pytest.mark.parametrize("order", ORDERS)
def test_a_bank_that_asks_pauses_once_in_every_order(
    bob: Customer, desk: Desk, order: tuple[int, ...]
) -> None:
    topups.low(desk, bob, topups.ASKS_ALWAYS)
    topups.killed(desk, bob)
    tell(desk, bob, order)
    rule = rule_of(bob)
    assert (rule.state, rule.declines) == (State.PAUSED, 0)
    tell(desk, bob, order)
    assert rule_of(bob).link_word == rule.link_word != ""


def test_news_of_a_decline_after_the_rule_was_turned_on_again_changes_nothing(
    bob: Customer, desk: Desk
) -> None:
    topups.low(desk, bob, topups.DECLINES_LATER)
    topup.attempt(bob.account)
    topups.use_card(desk, bob, "pm_card_visa")
    AutoTopUp.objects.update(declines=0, told="")
    (payment,) = payments_of(desk, bob)
    assert desk.deliver(payment.id, "payment_intent.payment_failed").status_code == 200
    assert (rule_of(bob).declines, rule_of(bob).told) == (0, "")


def test_a_refund_told_before_the_payment_credits_first_and_then_takes_back(
    bob: Customer, desk: Desk
) -> None:
    topups.low(desk, bob)
    topups.killed(desk, bob)
    (payment,) = payments_of(desk, bob)
    refund = desk.api.v1.refunds.create({"payment_intent": payment.id, "amount": 1000})
    desk.deliver(refund.id, "refund.created")
    assert bob.available_micros == money.parse("25")
    desk.deliver(payment.id, "payment_intent.succeeded")
    assert bob.available_micros == money.parse("25")
    assert [one.status for one in top_ups(bob)] == [Status.PAID]
    assert rule_of(bob).state == State.OFF


def test_a_dispute_of_an_automatic_payment_freezes_and_stops_top_ups(
    bob: Customer, desk: Desk
) -> None:
    topups.low(desk, bob)
    topup.attempt(bob.account)
    (payment,) = payments_of(desk, bob)
    desk.control(f"payments/{payment.id}/dispute")
    (dispute,) = desk.api.v1.disputes.list({"payment_intent": payment.id}).data
    desk.deliver(dispute.id, "charge.dispute.created")
    assert bob.available_micros == money.parse("10")
    assert topup.attempt(bob.account) is False


def test_a_payment_of_another_sum_is_not_credited(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    topups.killed(desk, bob)
    Purchase.objects.filter(origin="auto").update(amount_micros=money.parse("250"))
    (payment,) = payments_of(desk, bob)
    with pytest.raises(checkout.PaymentMismatch):
        desk.deliver(payment.id, "payment_intent.succeeded")
    assert bob.available_micros == money.parse("10")
    topup.settle(top_ups(bob)[0])
    assert [one.status for one in top_ups(bob)] == [Status.OPEN]


@pytest.mark.django_db
@pytest.mark.parametrize("reference", ["", "order-7", "7c9e6679-7425-40de-944b-e07fc1f90ae7"])
def test_a_payment_that_is_not_ours_is_kept_and_credits_nobody(desk: Desk, reference: str) -> None:
    payment = desk.api.v1.payment_intents.create(
        {
            "amount": 2500,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "metadata": {"purchase": reference},
        }
    )
    assert desk.deliver(payment.id, "payment_intent.succeeded").status_code == 200
    assert sums.audit().transfers == 0


def test_the_payment_of_a_checkout_is_left_to_its_session(bob: Customer, desk: Desk) -> None:
    session = desk.session(desk.bought(bob))
    assert session.payment_intent is not None
    assert desk.deliver(str(session.payment_intent), "payment_intent.succeeded").status_code == 200
    assert bob.balance_micros == 0
    desk.deliver(session.id, "checkout.session.completed")
    assert bob.balance_micros == money.parse("25")
