"""Topping up: when it is time, once, within the month's limit, and never a frozen account."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from billing import ledger, money, sums, tasks, topup, topup_rule
from billing.models import AutoTopUp, Purchase
from tests.billing import topups
from tests.billing.races import together
from tests.billing.stripe_desk import Desk
from tests.billing.topups import payments_of, rule_of, top_ups
from tests.cast import Customer

State = AutoTopUp.State
Status = Purchase.Status


def test_an_account_below_its_threshold_is_topped_up(
    bob: Customer,
    desk: Desk,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    topups.low(desk, bob)
    with django_capture_on_commit_callbacks(execute=True):
        assert topup.attempt(bob.account) is True
    assert bob.available_micros == money.parse("35")
    (purchase,) = top_ups(bob)
    assert (purchase.status, purchase.amount_micros) == (Status.PAID, money.parse("25"))
    (payment,) = payments_of(desk, bob)
    assert purchase.payment_intent == payment.id
    assert (payment.amount_received, payment.status) == (2500, "succeeded")
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == (["bob@example.org"], "We added $25.00 of credit")


def test_credit_at_the_threshold_is_left_alone(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob, threshold="10")
    assert topup.attempt(bob.account) is False
    topups.spend(bob, "0.000001")
    assert topup.attempt(bob.account) is True


def test_held_credit_counts_as_spent(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob, threshold="10")
    ledger.hold(bob.account, money.parse("1"), reference="job")
    assert topup.attempt(bob.account) is True


@pytest.mark.parametrize("state", [State.OFF, State.PAUSED])
def test_a_rule_that_is_not_on_does_nothing(bob: Customer, desk: Desk, state: State) -> None:
    topups.low(desk, bob)
    AutoTopUp.objects.update(state=state)
    assert topup.attempt(bob.account) is False


def test_an_account_without_a_rule_is_left_alone(bob: Customer) -> None:
    assert topup.attempt(bob.account) is False


def test_a_rule_that_waits_is_left_alone(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    AutoTopUp.objects.update(next_try_at=timezone.now() + timedelta(minutes=1))
    assert topup.attempt(bob.account) is False


def test_a_frozen_account_is_not_topped_up(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    ledger.set_frozen(bob.account, frozen=True)
    assert topup.attempt(bob.account) is False
    assert payments_of(desk, bob) == []


def test_a_top_up_earns_its_bonus(bob: Customer, desk: Desk, settings: Settings) -> None:
    settings.BONUS_PERCENT = {25: 4}
    topups.low(desk, bob)
    topup.attempt(bob.account)
    assert bob.available_micros == money.parse("36")


def test_a_top_up_beyond_the_months_limit_is_not_made_and_the_customer_is_told_once(
    bob: Customer,
    desk: Desk,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    topups.low(desk, bob, cap="49.99")
    topup.attempt(bob.account)
    topups.spend(bob, "30")
    with django_capture_on_commit_callbacks(execute=True):
        assert topup.attempt(bob.account) is False
        assert topup.attempt(bob.account) is False
    rule = rule_of(bob)
    assert (rule.state, rule.next_try_at.day, rule.next_try_at.hour) == (State.ON, 1, 0)
    assert rule.next_try_at > timezone.now()
    assert "your limit of $49.99 a month" in rule.told
    assert [letter.subject for letter in mail.outbox] == [
        "Your monthly limit for top-ups is reached"
    ]
    assert len(payments_of(desk, bob)) == 1


def test_the_limit_is_reached_to_the_cent(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob, cap="50")
    topup.attempt(bob.account)
    topups.spend(bob, "30")
    assert topup.attempt(bob.account) is True
    assert bob.available_micros == money.parse("30")


def test_a_new_month_has_its_own_limit(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob, cap="25")
    topup.attempt(bob.account)
    Purchase.objects.filter(origin="auto").update(created_at=datetime(2020, 1, 31, tzinfo=UTC))
    topups.spend(bob, "30")
    assert topup.attempt(bob.account) is True


def test_a_failed_top_up_does_not_count_against_the_limit(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob, topups.DECLINES_LATER, cap="25")
    topup.attempt(bob.account)
    topups.use_card(desk, bob, "pm_card_visa")
    AutoTopUp.objects.update(next_try_at=timezone.now())
    topup.attempt(bob.account)
    assert [one.status for one in top_ups(bob)] == [Status.PAID, Status.FAILED]


@pytest.mark.django_db(transaction=True)
def test_ten_attempts_at_the_same_moment_charge_once(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    answers = together([partial(topup.attempt, bob.account)] * 10)
    assert sorted(map(str, answers)) == ["False"] * 9 + ["True"]
    assert len(payments_of(desk, bob)) == len(top_ups(bob)) == 1
    assert bob.available_micros == money.parse("35")
    assert sums.audit().faults == []


@pytest.mark.django_db(transaction=True)
def test_attempts_and_settlements_at_the_same_moment_charge_once(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    purchase = topups.killed(desk, bob)
    works: list[Callable[[], object]] = [
        partial(topup.settle, purchase),
        partial(topup.attempt, bob.account),
    ]
    assert [answer for answer in together(works * 5) if answer] == []
    assert len(payments_of(desk, bob)) == 1
    assert bob.available_micros == money.parse("35")


def test_the_schedule_tops_up_everyone_who_needs_it(
    bob: Customer, charlie: Customer, alice: Customer, desk: Desk
) -> None:
    for customer in (bob, charlie):
        topups.low(desk, customer)
    topups.low(desk, alice)
    assert tasks.top_up() == "2 accounts topped up, or tried to"
    assert [one.available_micros for one in (bob, charlie, alice)] == [
        money.parse(dollars) for dollars in ("35", "40", "35")
    ]


def test_the_task_of_one_account_says_what_it_did(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    assert tasks.top_up_one(str(bob.account.pk)) == "tried"
    assert tasks.top_up_one(str(bob.account.pk)) == "nothing to do"


def test_a_refund_turns_the_rule_off_so_that_the_gap_is_not_charged(
    bob: Customer, desk: Desk
) -> None:
    topups.low(desk, bob)
    topup.attempt(bob.account)
    (purchase,) = top_ups(bob)
    refund = desk.api.v1.refunds.create({"payment_intent": purchase.payment_intent})
    desk.deliver(refund.id, "refund.created")
    assert bob.available_micros == money.parse("10")
    assert rule_of(bob).state == State.OFF
    assert "refunded" in rule_of(bob).told
    assert topup.attempt(bob.account) is False
    topup_rule.write(bob.account, topups.terms())
    assert topup.attempt(bob.account) is True
