"""A declined card: longer pauses, off after the third, and the customer knows."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from billing import money, topup, topup_rule
from billing.models import AutoTopUp, Purchase
from tests.billing import topups
from tests.billing.stripe_desk import Desk
from tests.billing.topups import payments_of, rule_of, top_ups
from tests.cast import Customer

State = AutoTopUp.State


def try_now(customer: Customer) -> None:
    """Let the pause pass and try."""
    AutoTopUp.objects.filter(account=customer.account).update(next_try_at=timezone.now())
    assert topup.attempt(customer.account) is True


def pause_of(customer: Customer) -> timedelta:
    return rule_of(customer).next_try_at - timezone.now()


def test_a_decline_charges_nothing_and_says_what_happened_and_what_to_do(
    bob: Customer,
    desk: Desk,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    topups.low(desk, bob, topups.DECLINES_LATER)
    with django_capture_on_commit_callbacks(execute=True):
        topup.attempt(bob.account)
    (purchase,) = top_ups(bob)
    assert purchase.status == Purchase.Status.FAILED
    assert bob.available_micros == money.parse("10")
    told = rule_of(bob).told
    assert purchase.told == told
    assert told.startswith(
        "We could not add $25.00: Your card was declined. You were not charged. We try again on"
    )
    (letter,) = mail.outbox
    assert letter.subject == "We could not top up $25.00"
    assert "save another card" in letter.body
    assert "/billing" in letter.body


def test_the_pause_grows_and_the_third_decline_in_a_row_switches_off(
    bob: Customer,
    desk: Desk,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    topups.low(desk, bob, topups.DECLINES_LATER)
    with django_capture_on_commit_callbacks(execute=True):
        try_now(bob)
        assert timedelta(minutes=59) < pause_of(bob) < timedelta(minutes=61)
        assert topup.attempt(bob.account) is False
        try_now(bob)
        assert timedelta(hours=23) < pause_of(bob) < timedelta(hours=25)
        try_now(bob)
    rule = rule_of(bob)
    assert (rule.state, rule.declines) == (State.OFF, 3)
    assert "After 3 attempts automatic top-ups are off." in rule.told
    assert len(mail.outbox) == len(payments_of(desk, bob)) == 3
    assert topup.attempt(bob.account) is False


def test_a_success_forgets_earlier_declines(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob, topups.DECLINES_LATER)
    try_now(bob)
    try_now(bob)
    topups.use_card(desk, bob, "pm_card_visa")
    try_now(bob)
    rule = rule_of(bob)
    assert (rule.state, rule.declines, rule.told) == (State.ON, 0, "")


def test_a_card_that_was_removed_switches_off_at_once(bob: Customer, desk: Desk) -> None:
    rule = topups.low(desk, bob)
    desk.api.v1.payment_methods.detach(rule.payment_method)
    topup.attempt(bob.account)
    rule = rule_of(bob)
    assert (rule.state, rule.payment_method, rule.card_last4) == (State.OFF, "", "")
    assert "Save a card with your next purchase" in rule.told
    assert top_ups(bob)[0].status == Purchase.Status.FAILED


def test_a_rule_switched_off_during_the_payment_stays_off(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob, topups.ASKS_ALWAYS)
    purchase = topups.killed(desk, bob)
    topup_rule.turn_off(bob.account)
    topup.settle(purchase)
    assert (rule_of(bob).state, rule_of(bob).link_word) == (State.OFF, "")
    assert top_ups(bob)[0].status == Purchase.Status.FAILED


@pytest.mark.parametrize("length", [20, 400])
def test_what_stripe_says_never_outgrows_its_place(bob: Customer, desk: Desk, length: int) -> None:
    rule = topups.low(desk, bob)
    purchase = Purchase(account=bob.account, amount_micros=money.parse("25"))
    topup_rule.declined(rule, purchase, "x" * length)
    assert len(rule_of(bob).told) <= 300
