"""`manage.py reconcile_stripe`: silent while both sides agree, a line for each difference."""

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import Schedule

from billing import gateway, ledger, money, reconciliation, refunds, tasks
from billing.models import Dispute, Purchase, Refund, StripeEvent
from tests.billing import stories
from tests.billing.stripe_desk import SETTLES_LATE, Desk
from tests.cast import Customer

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TEN = money.parse("10")


@pytest.fixture(autouse=True)
def _own_moment(sandbox: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what other tests did at the same sandbox."""
    del sandbox
    known = _everything()
    listed = gateway.listed

    def mine(lister: Any, since: Any, limit: int) -> list[Any]:
        return [one for one in listed(lister, since, limit) if one.id not in known]

    monkeypatch.setattr(gateway, "listed", mine)


def _everything() -> set[str]:
    api = gateway.client().v1
    listers: list[Any] = [
        api.payment_intents.list,
        api.checkout.sessions.list,
        api.refunds.list,
        api.disputes.list,
        api.charges.list,
        api.balance_transactions.list,
    ]
    return {one.id for lister in listers for one in gateway.listed(lister, EPOCH, 10_000)}


def differences() -> list[str]:
    return reconciliation.reconcile(EPOCH).differences


def test_a_sound_day_has_no_difference(desk: Desk, bob: Customer, charlie: Customer) -> None:
    bought = stories.paid(desk, bob)
    refunds.refund(bought, TEN, "A part", charlie.user)
    disputed = stories.paid(desk, bob, "50")
    desk.control(f"disputes/{stories.dispute(desk, disputed)}", status="won")
    stories.deliver(stories.events_of(desk, disputed))
    desk.started(charlie)

    report = reconciliation.reconcile(EPOCH)

    assert report.differences == []
    assert (report.payments, report.refunds, report.disputes) == (2, 1, 1)
    # Two charges, a refund, money out and in again.
    assert report.movements == 5


def test_a_payment_that_was_not_credited_is_named(desk: Desk, bob: Customer) -> None:
    purchase = stories.buy(desk, bob)
    payment = stories.payment_of(desk, purchase)
    assert differences() == [
        f"payment {payment}: $25.00 paid at Stripe, not credited (purchase {purchase.pk} is open)"
    ]


def test_a_payment_for_a_closed_purchase_is_named(desk: Desk, bob: Customer) -> None:
    purchase = stories.buy(desk, bob)
    Purchase.objects.update(status=Purchase.Status.EXPIRED)
    [line] = differences()
    assert line.endswith(f"(purchase {purchase.pk} is expired)")


@pytest.mark.django_db
def test_a_payment_that_is_none_of_ours_is_named(desk: Desk) -> None:
    desk.foreign_session()
    [line] = differences()
    assert line.endswith("$25.00 paid at Stripe, not credited (no purchase of ours)")


def test_a_payment_under_way_is_no_difference(desk: Desk, bob: Customer) -> None:
    purchase = stories.buy(desk, bob, number=SETTLES_LATE)
    assert differences() == []
    desk.control(f"payments/{stories.payment_of(desk, purchase)}/settle")
    assert len(differences()) == 1


@pytest.mark.parametrize("reference", ["pi_invented", "cs_invented"])
def test_credit_that_stripe_was_not_paid_for_is_named(
    reference: str, desk: Desk, bob: Customer
) -> None:
    desk.started(bob)
    Purchase.objects.update(
        status=Purchase.Status.PAID,
        paid_at=timezone.now(),
        payment_intent=reference,
        charged_cents=2500,
    )
    ledger.deposit(
        bob.account,
        money.parse("25"),
        source=ledger.Code.STRIPE,
        kind=ledger.Kind.PURCHASE,
        reference=f"purchase:{reference}",
    )
    assert differences() == [
        f"payment {reference}: $25.00 credited, but Stripe knows no such payment"
    ]


def test_a_sum_that_differs_is_named(desk: Desk, bob: Customer) -> None:
    purchase = stories.paid(desk, bob)
    Purchase.objects.update(charged_cents=2400)
    assert differences() == [f"payment {purchase.payment_intent}: $25.00 at Stripe, $24.00 with us"]


def test_credit_that_differs_from_what_was_bought_is_named(desk: Desk, bob: Customer) -> None:
    purchase = stories.buy(desk, bob)
    Purchase.objects.update(amount_micros=money.parse("30"))
    payment = stories.payment_of(desk, purchase)
    ledger.deposit(
        bob.account,
        money.parse("30"),
        source=ledger.Code.STRIPE,
        kind=ledger.Kind.PURCHASE,
        reference=f"purchase:{payment}",
    )
    Purchase.objects.update(
        status=Purchase.Status.PAID,
        paid_at=timezone.now(),
        payment_intent=payment,
        charged_cents=2500,
    )
    assert differences() == [f"payment {payment}: $25.00 of credit paid at Stripe, $30.00 credited"]


def test_a_refund_that_we_did_not_hear_of_is_named(desk: Desk, bob: Customer) -> None:
    purchase = stories.paid(desk, bob)
    refund = stories.refund(desk, purchase, 1000)
    assert differences() == [f"refund {refund}: $10.00 succeeded at Stripe, not with us"]


def test_a_refund_that_failed_since_is_named(desk: Desk, bob: Customer) -> None:
    purchase = stories.paid(desk, bob)
    refund = stories.refund(desk, purchase, 1000)
    stories.deliver(stories.events_of(desk, purchase))
    desk.control(f"refunds/{refund}", status="failed")
    assert differences() == [f"refund {refund}: failed at Stripe, succeeded with us"]


def test_a_refund_of_another_sum_and_one_that_stripe_does_not_know_are_named(
    desk: Desk, bob: Customer
) -> None:
    purchase = stories.paid(desk, bob)
    refund = stories.refund(desk, purchase, 1000)
    stories.deliver(stories.events_of(desk, purchase))
    Refund.objects.update(amount_micros=1)
    Refund.objects.create(pk="re_invented", purchase=purchase, amount_micros=1, status="pending")
    assert differences() == [
        f"refund {refund}: $10.00 at Stripe, $0.000001 of credit taken",
        "refund re_invented: pending with us, but Stripe knows no such refund",
    ]


def test_a_dispute_is_compared_in_status_and_money(desk: Desk, bob: Customer) -> None:
    purchase = stories.paid(desk, bob)
    dispute = stories.dispute(desk, purchase)
    assert differences() == [f"dispute {dispute}: $25.00 needs_response at Stripe, not with us"]

    stories.deliver(stories.events_of(desk, purchase))
    assert differences() == []

    desk.control(f"disputes/{dispute}", status="won")
    assert differences() == [
        f"dispute {dispute}: won at Stripe, needs_response with us",
        f"dispute {dispute}: its money moved (out, in) (True, True) at Stripe, not so with us",
    ]


def test_a_dispute_that_stripe_does_not_know_is_named(desk: Desk, bob: Customer) -> None:
    purchase = stories.paid(desk, bob)
    Dispute.objects.create(pk="du_invented", purchase=purchase, amount_micros=1, status="lost")
    assert differences() == ["dispute du_invented: lost with us, but Stripe knows no such dispute"]


def test_an_order_that_was_never_confirmed_is_named(
    desk: Desk, bob: Customer, charlie: Customer
) -> None:
    purchase = stories.paid(desk, bob)
    desk.control("faults", path="/v1/refunds", status=500, times=9)
    with pytest.raises(refunds.RefundUnfinished) as left:
        refunds.refund(purchase, TEN, "One", charlie.user)
    desk.control("faults", path="/v1/none", status=500, times=1)
    order = left.value.order
    [line] = differences()
    assert line.startswith(f"refund order {order.pk}: $10.00 of purchase {purchase.pk} ")


def test_what_is_older_than_the_window_is_found_through_the_money_that_moved(
    desk: Desk, bob: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchase = stories.paid(desk, bob)
    refund = stories.refund(desk, purchase, 1000)
    listed = gateway.listed

    def only_movements(lister: Any, since: Any, limit: int) -> list[Any]:
        found = listed(lister, since, limit)
        return [one for one in found if one.object == "balance_transaction"]

    monkeypatch.setattr(gateway, "listed", only_movements)
    assert differences() == [f"refund {refund}: $10.00 succeeded at Stripe, not with us"]


def test_an_open_purchase_older_than_the_window_that_was_paid_is_named(
    desk: Desk, bob: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchase = stories.buy(desk, bob)
    monkeypatch.setattr(gateway, "listed", lambda *_: [])
    [line] = differences()
    assert line.endswith(f"(purchase {purchase.pk} is open)")


def test_a_window_with_too_much_in_it_is_called_incomplete(
    desk: Desk, bob: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stories.paid(desk, bob)
    monkeypatch.setattr(reconciliation, "OBJECTS_MAX", 1)
    monkeypatch.setattr(gateway, "listed", lambda lister, *_: lister({"limit": 1}).data)
    found = [line for line in differences() if line.startswith("incomplete")]
    assert "incomplete: only the newest 1 payment intents were read" in found


def test_the_command_prints_each_difference_and_a_summary(desk: Desk, bob: Customer) -> None:
    printed = StringIO()
    call_command("reconcile_stripe", stdout=printed)
    assert json.loads(printed.getvalue())["ok"] is True

    stories.buy(desk, bob)
    printed = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile_stripe", since="2026-01-01", stdout=printed)

    line, summary = printed.getvalue().splitlines()
    assert line.startswith("payment pi_")
    found = json.loads(summary)
    assert ended.value.code == 1
    assert (found["ok"], found["differences"]) == (False, 1)
    assert found["since"] == "2026-01-01T00:00:00+00:00"


@pytest.mark.django_db
def test_the_command_refuses_what_is_no_date() -> None:
    with pytest.raises(CommandError, match="--since takes a date"):
        call_command("reconcile_stripe", since="yesterday")


@pytest.mark.django_db
def test_a_silent_stripe_is_an_error_of_its_own(desk: Desk) -> None:
    desk.control("faults", path="/v1/payment_intents", status=500, times=9)
    with pytest.raises(CommandError, match="could not be asked") as refused:
        call_command("reconcile_stripe")
    assert refused.value.returncode == 2
    desk.control("faults", path="/v1/none", status=500, times=1)


@pytest.mark.django_db(transaction=True)
def test_the_daily_task_mails_the_operator_what_differs(desk: Desk, settings: Any) -> None:
    settings.ADMINS = [("Operator", "olga@example.org")]
    desk.foreign_session()
    assert tasks.reconcile_stripe() == "1 differences"
    [told] = mail.outbox
    assert "differ" in told.subject
    assert "not credited (no purchase of ours)" in told.body


@pytest.mark.django_db
def test_it_is_planned_for_every_day() -> None:
    plan = Schedule.objects.get(func="billing.tasks.reconcile_stripe")
    assert plan.schedule_type == Schedule.DAILY


def test_nothing_is_changed_by_looking(desk: Desk, bob: Customer) -> None:
    purchase = stories.buy(desk, bob)
    differences()
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.OPEN
    assert StripeEvent.objects.count() == 0
