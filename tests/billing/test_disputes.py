"""Disputes: spending freezes, running jobs go on, the money follows what the bank decides."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import mail
from django.db import connection, connections, transaction

from billing import clawbacks, gateway, ledger, money
from billing.models import Dispute, Purchase
from tests import cast
from tests.billing import stories
from tests.billing.stripe_desk import Desk
from tests.cast import Customer

LOCK_SECONDS_MAX = 30
FIVE = money.parse("5")
ALL = money.parse("25")


@pytest.fixture
def purchase(desk: Desk, bob: Customer) -> Purchase:
    """Bob has bought $25."""
    return stories.paid(desk, bob)


def hear(desk: Desk, purchase: Purchase) -> None:
    stories.deliver(stories.events_of(desk, purchase))


def test_a_dispute_freezes_new_spending_and_takes_the_credit(
    purchase: Purchase, desk: Desk, bob: Customer
) -> None:
    stories.dispute(desk, purchase)
    hear(desk, purchase)

    with pytest.raises(ledger.AccountFrozen, match="You were not charged"):
        ledger.hold(bob.account, 1, reference="generation:1")
    assert bob.balance_micros == 0
    assert stories.faults() == []


def test_running_jobs_go_on_and_their_credit_is_not_taken(
    purchase: Purchase, desk: Desk, bob: Customer
) -> None:
    ledger.hold(bob.account, FIVE, reference="generation:done")
    ledger.hold(bob.account, FIVE, reference="generation:failed")
    stories.dispute(desk, purchase)
    hear(desk, purchase)

    assert ledger.capture("generation:done")
    assert ledger.release("generation:failed")

    book = ledger.book(bob.account)
    assert (book.balance_micros, book.held_micros) == (FIVE, 0)
    assert book.receivable_micros == money.parse("10")
    assert stories.faults() == []


def test_a_won_dispute_gives_the_credit_back_and_thaws(
    purchase: Purchase, desk: Desk, bob: Customer
) -> None:
    dispute = stories.dispute(desk, purchase)
    hear(desk, purchase)
    desk.control(f"disputes/{dispute}", status="won")
    hear(desk, purchase)

    ledger.hold(bob.account, ALL, reference="generation:1")
    row = Dispute.objects.get()
    assert (row.status, row.money_out, row.money_in) == ("won", True, True)
    assert stories.faults() == []


@pytest.mark.parametrize("status", ["lost", "under_review"])
def test_anything_but_a_good_end_stays_frozen(
    status: str, purchase: Purchase, desk: Desk, bob: Customer
) -> None:
    dispute = stories.dispute(desk, purchase)
    desk.control(f"disputes/{dispute}", status=status)
    hear(desk, purchase)
    with pytest.raises(ledger.AccountFrozen):
        ledger.hold(bob.account, 1, reference="generation:1")


def test_a_status_that_nobody_knows_stays_frozen(
    purchase: Purchase, desk: Desk, bob: Customer
) -> None:
    told: Any = gateway.dispute(stories.dispute(desk, purchase))
    told.status = "charge_refunded"
    clawbacks.following_dispute(told)()
    assert ledger.book(bob.account).frozen
    assert stories.faults() == []


def test_an_inquiry_moves_no_money_and_freezes_nothing(
    purchase: Purchase, desk: Desk, bob: Customer
) -> None:
    stories.dispute(desk, purchase, inquiry="true")
    hear(desk, purchase)
    ledger.hold(bob.account, ALL, reference="generation:1")


def test_old_news_of_an_inquiry_does_not_thaw_the_dispute_it_became(
    purchase: Purchase, desk: Desk, bob: Customer
) -> None:
    dispute = stories.dispute(desk, purchase, inquiry="true")
    late = clawbacks.following_dispute(gateway.dispute(dispute))
    desk.control(f"disputes/{dispute}", status="needs_response")
    hear(desk, purchase)

    late()

    assert ledger.book(bob.account).frozen
    assert Dispute.objects.get().status == "needs_response"


def test_a_dispute_of_a_part_takes_that_part_only(
    purchase: Purchase, desk: Desk, bob: Customer
) -> None:
    stories.dispute(desk, purchase, amount=500)
    hear(desk, purchase)
    assert bob.balance_micros == money.parse("20")


def test_one_open_dispute_of_two_keeps_the_account_frozen(
    purchase: Purchase, desk: Desk, bob: Customer
) -> None:
    second = stories.paid(desk, bob)
    first_dispute = stories.dispute(desk, purchase)
    second_dispute = stories.dispute(desk, second)
    hear(desk, purchase)
    hear(desk, second)

    desk.control(f"disputes/{first_dispute}", status="won")
    hear(desk, purchase)
    assert ledger.book(bob.account).frozen

    desk.control(f"disputes/{second_dispute}", status="won")
    hear(desk, second)
    assert not ledger.book(bob.account).frozen
    assert bob.balance_micros == money.parse("50")


@pytest.mark.django_db(transaction=True)
def test_an_inquiry_that_closes_while_a_dispute_begins_does_not_thaw_the_account(
    desk: Desk,
) -> None:
    """The one that closes must not look before the other, which came first, is committed."""
    dora = cast.customer("dora")
    first, second = stories.paid(desk, dora), stories.paid(desk, dora)
    inquiry = stories.dispute(desk, first, inquiry="true")
    hear(desk, first)
    desk.control(f"disputes/{inquiry}", status="warning_closed")
    closed = clawbacks.following_dispute(gateway.dispute(inquiry))
    begun = clawbacks.following_dispute(gateway.dispute(stories.dispute(desk, second)))

    def close() -> None:
        try:
            stories.in_transaction(closed)()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            begun()
            closing = threads.submit(close)
            await_a_waiting_lock()
        closing.result(LOCK_SECONDS_MAX)

    assert ledger.book(dora.account).frozen
    assert stories.faults() == []


def await_a_waiting_lock() -> None:
    """Return once another connection waits for one of our rows."""
    until = time.monotonic() + LOCK_SECONDS_MAX
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")


@pytest.mark.django_db(transaction=True)
def test_the_operator_hears_of_a_dispute_once(desk: Desk, settings: Any) -> None:
    settings.ADMINS = [("Operator", "olga@example.org")]
    dora = cast.customer("dora")
    purchase = stories.paid(desk, dora)
    dispute = stories.dispute(desk, purchase)
    hear(desk, purchase)
    hear(desk, purchase)
    [told] = [one for one in mail.outbox if one.to == ["olga@example.org"]]
    assert dispute in told.subject
    assert "fraudulent" in told.body


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("ours", "word"), [(True, "of dora@example.org"), (False, "not one of ours")]
)
def test_the_operator_hears_of_an_early_fraud_warning(
    ours: bool, word: str, desk: Desk, settings: Any
) -> None:
    settings.ADMINS = [("Operator", "olga@example.org")]
    purchase = stories.buy(desk, cast.customer("dora"))
    payment = stories.payment_of(desk, purchase)
    if ours:
        hear(desk, purchase)
    desk.control(f"payments/{payment}/warn")
    events = [one for one in stories.events_of(desk, purchase) if "fraud" in one.type]

    stories.deliver(events * 2)

    [told] = [one for one in mail.outbox if one.to == ["olga@example.org"]]
    assert "Early fraud warning" in told.subject
    assert word in told.body


def test_a_charge_without_a_payment_intent_touches_no_purchase(
    purchase: Purchase, desk: Desk, bob: Customer
) -> None:
    desk.started(bob)
    told: Any = gateway.dispute(stories.dispute(desk, purchase))
    told.payment_intent = None
    clawbacks.following_dispute(told)()
    assert not Dispute.objects.exists()
    assert bob.balance_micros == ALL
