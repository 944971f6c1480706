"""Stripe's books beside ours, both ways: what moved there must be booked here, and the reverse.

Everything is read at Stripe first (`Sight`); the comparison then asks our database alone. What
one side shows within the window is looked up on the other side whatever its age there.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import stripe
from django.db.models import Q, QuerySet

from billing import checkout, clawbacks, gateway, money
from billing.models import Dispute, Purchase, Refund, RefundOrder, Transfer

# An event that Stripe could not deliver is tried for three days.
DAYS = 3
TOLD_MAX = 200
# Of each kind; a window with more is named incomplete, and wants a later --since.
OBJECTS_MAX = 10_000
LOOKUPS_MAX = 1_000

CHARGED = {"charge", "payment"}
REFUNDED = {"refund", "payment_refund", "refund_failure", "payment_refund_failure"}

T = TypeVar("T")


@dataclass(frozen=True)
class Payment:
    """A payment as Stripe has it. `credit_cents` is its sum without tax, where that is known."""

    id: str
    cents: int
    paid: bool
    purchase: str
    credit_cents: int | None = None


@dataclass
class Sight:
    """What Stripe showed: by id, None for what it does not know."""

    payments: dict[str, Payment | None] = field(default_factory=dict)
    refunds: dict[str, stripe.Refund | None] = field(default_factory=dict)
    disputes: dict[str, stripe.Dispute | None] = field(default_factory=dict)
    movements: int = 0
    lookups: int = 0
    limits: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Report:
    """How much was compared, and every difference (a line each)."""

    payments: int
    refunds: int
    disputes: int
    movements: int
    differences: list[str]


def reconcile(since: datetime) -> Report:
    """Compare everything since then. Raises stripe.StripeError when Stripe cannot be asked."""
    sight = _look(since)
    return Report(
        payments=len(sight.payments),
        refunds=len(sight.refunds),
        disputes=len(sight.disputes),
        movements=sight.movements,
        differences=[
            *(f"incomplete: {limit}" for limit in sorted(sight.limits)),
            *_payments(sight.payments),
            *_refunds(sight.refunds),
            *_disputes(sight.disputes),
            *_orders(),
        ],
    )


# What Stripe shows


def _look(since: datetime) -> Sight:
    stripe_lists = gateway.client().v1
    sight = Sight()
    for payment in _list(sight, "payment intents", stripe_lists.payment_intents.list, since):
        sight.payments[payment.id] = _of_intent(payment)
    for session in _list(sight, "sessions", stripe_lists.checkout.sessions.list, since):
        _add_session(sight, session)
    for refund in _list(sight, "refunds", stripe_lists.refunds.list, since):
        sight.refunds[refund.id] = refund
    for dispute in _list(sight, "disputes", stripe_lists.disputes.list, since):
        sight.disputes[dispute.id] = dispute
    charges = _list(sight, "charges", stripe_lists.charges.list, since)
    _look_up_movements(sight, since, {one.id: gateway.id_of(one.payment_intent) for one in charges})
    _look_up_ours(sight, since)
    return sight


def _list(sight: Sight, name: str, lister: Callable[[Any], Any], since: datetime) -> list[Any]:
    listed = gateway.listed(lister, since, OBJECTS_MAX)
    if len(listed) == OBJECTS_MAX:
        sight.limits.add(f"only the newest {OBJECTS_MAX} {name} were read")
    return listed


def _look_up_movements(sight: Sight, since: datetime, payment_of: dict[str, str]) -> None:
    """Add what moved money in the window, though it is older itself."""
    lister = gateway.client().v1.balance_transactions.list
    for movement in _list(sight, "balance transactions", lister, since):
        sight.movements += 1
        source, category = gateway.id_of(movement.source), movement.reporting_category
        if category in CHARGED:
            payment = payment_of.get(source) or _payment_of_charge(sight, source)
            _add(sight, sight.payments, payment, _payment)
        elif category in REFUNDED:
            _add(sight, sight.refunds, source, gateway.refund)
        elif category.startswith("dispute"):
            _add(sight, sight.disputes, source, gateway.dispute)


def _look_up_ours(sight: Sight, since: datetime) -> None:
    """Add what we booked in the window, and whatever still waits for its payment."""
    told = {payment.purchase for payment in sight.payments.values() if payment and payment.paid}
    for purchase in _waiting():
        _add(sight, sight.payments, purchase.payment_intent, _payment)
        if purchase.session and str(purchase.pk) not in told:
            _look_up_session(sight, purchase.session)
    paid = Purchase.objects.filter(status=Purchase.Status.PAID, paid_at__gte=since)
    for payment in _newest(sight, "purchases", paid.values_list("payment_intent", flat=True)):
        _add(sight, sight.payments, payment, _payment)
    refunds = Refund.objects.filter(created_at__gte=since).values_list("pk", flat=True)
    for refund in _newest(sight, "refunds of ours", refunds):
        _add(sight, sight.refunds, refund, gateway.refund)
    frozen = ~Q(status__in=clawbacks.DISPUTE_ENDED)
    disputes = Dispute.objects.filter(Q(created_at__gte=since) | frozen)
    for dispute in _newest(sight, "disputes of ours", disputes.values_list("pk", flat=True)):
        _add(sight, sight.disputes, dispute, gateway.dispute)


def _waiting() -> QuerySet[Purchase]:
    waiting = Purchase.objects.filter(status=Purchase.Status.OPEN)
    return waiting.order_by("-created_at", "-pk")[:LOOKUPS_MAX]


def _newest(sight: Sight, name: str, rows: QuerySet[Any, str]) -> list[str]:
    found = list(rows.order_by("-pk")[: OBJECTS_MAX + 1])
    if len(found) > OBJECTS_MAX:
        sight.limits.add(f"only {OBJECTS_MAX} {name} were compared")
    return found[:OBJECTS_MAX]


def _add(
    sight: Sight, known: dict[str, T | None], identity: str, fetch: Callable[[str], T]
) -> None:
    if identity and identity not in known and _may_look_up(sight):
        known[identity] = gateway.found(fetch, identity)


def _may_look_up(sight: Sight) -> bool:
    sight.lookups += 1
    if sight.lookups > LOOKUPS_MAX:
        sight.limits.add(f"only {LOOKUPS_MAX} single objects were looked up")
    return sight.lookups <= LOOKUPS_MAX


def _payment_of_charge(sight: Sight, charge: str) -> str:
    if not _may_look_up(sight):
        return ""
    found = gateway.found(gateway.client().v1.charges.retrieve, charge)
    return gateway.id_of(found.payment_intent) if found else ""


def _look_up_session(sight: Sight, identity: str) -> None:
    session = gateway.found(gateway.session, identity) if _may_look_up(sight) else None
    if session is not None:
        _add_session(sight, session)


def _add_session(sight: Sight, session: stripe.checkout.Session) -> None:
    if session.payment_status not in checkout.PAID:
        return
    payment = gateway.id_of(session.payment_intent) or session.id
    sight.payments[payment] = Payment(
        payment,
        cents=session.amount_total or 0,
        paid=True,
        purchase=session.client_reference_id or "",
        credit_cents=session.amount_subtotal,
    )


def _payment(identity: str) -> Payment:
    # What a full discount left nothing to pay for was booked under its session.
    if identity.startswith("cs_"):
        session = gateway.session(identity)
        paid = session.payment_status in checkout.PAID
        return Payment(identity, session.amount_total or 0, paid, session.client_reference_id or "")
    return _of_intent(gateway.payment(identity))


def _of_intent(payment: stripe.PaymentIntent) -> Payment:
    return Payment(
        payment.id,
        cents=payment.amount_received,
        paid=payment.status == "succeeded",
        purchase=gateway.word_of(payment.metadata, "purchase"),
    )


# What we have, beside it


def _payments(seen: dict[str, Payment | None]) -> Iterator[str]:
    purchases = {
        one.payment_intent: one for one in Purchase.objects.filter(payment_intent__in=list(seen))
    }
    credited = _credited(f"purchase:{identity}" for identity in seen)
    for identity, payment in seen.items():
        micros = credited.get(f"purchase:{identity}")
        if payment is None or not payment.paid:
            if micros is not None:
                state = "knows no such payment" if payment is None else "has it unpaid"
                yield f"payment {identity}: {money.display(micros)} credited, but Stripe {state}"
        elif micros is None:
            yield (
                f"payment {identity}: {_dollars(payment.cents)} paid at Stripe, not credited "
                f"({_whose(payment.purchase)})"
            )
        else:
            yield from _sums(payment, purchases.get(identity), micros)


def _sums(payment: Payment, purchase: Purchase | None, micros: int) -> Iterator[str]:
    if purchase is None:
        yield f"payment {payment.id}: {money.display(micros)} credited without a purchase"
    elif purchase.charged_cents != payment.cents:
        ours = _dollars(purchase.charged_cents or 0)
        yield f"payment {payment.id}: {_dollars(payment.cents)} at Stripe, {ours} with us"
    elif payment.credit_cents is not None and money.from_cents(payment.credit_cents) != micros:
        yield (
            f"payment {payment.id}: {_dollars(payment.credit_cents)} of credit paid at Stripe, "
            f"{money.display(micros)} credited"
        )


def _whose(reference: str) -> str:
    try:
        purchase = Purchase.objects.filter(pk=uuid.UUID(reference)).first()
    except ValueError:
        purchase = None
    return f"purchase {purchase.pk} is {purchase.status}" if purchase else "no purchase of ours"


def _refunds(seen: dict[str, stripe.Refund | None]) -> Iterator[str]:
    ours = Refund.objects.select_related("purchase").in_bulk(list(seen))
    for identity, told in seen.items():
        row = ours.get(identity)
        if told is None:
            if row is not None:
                yield f"refund {identity}: {row.status} with us, but Stripe knows no such refund"
        elif row is None:
            yield f"refund {identity}: {_dollars(told.amount)} {told.status} at Stripe, not with us"
        elif row.amount_micros != clawbacks.credit_of(row.purchase, told.amount):
            taken = money.display(row.amount_micros)
            yield f"refund {identity}: {_dollars(told.amount)} at Stripe, {taken} of credit taken"
        elif row.status != told.status:
            yield f"refund {identity}: {told.status} at Stripe, {row.status} with us"


def _disputes(seen: dict[str, stripe.Dispute | None]) -> Iterator[str]:
    ours = Dispute.objects.select_related("purchase").in_bulk(list(seen))
    for identity, told in seen.items():
        row = ours.get(identity)
        if told is None:
            if row is not None:
                yield f"dispute {identity}: {row.status} with us, but Stripe knows no such dispute"
        elif row is None:
            sums = f"{_dollars(told.amount)} {told.status}"
            yield f"dispute {identity}: {sums} at Stripe, not with us"
        else:
            yield from _dispute(row, told)


def _dispute(row: Dispute, told: stripe.Dispute) -> Iterator[str]:
    movements = [movement.amount for movement in told.balance_transactions]
    moved = (any(cents < 0 for cents in movements), any(cents > 0 for cents in movements))
    if row.amount_micros != clawbacks.credit_of(row.purchase, told.amount):
        taken = money.display(row.amount_micros)
        yield f"dispute {row.pk}: {_dollars(told.amount)} at Stripe, {taken} of credit with us"
    if row.status != told.status:
        yield f"dispute {row.pk}: {told.status} at Stripe, {row.status} with us"
    if moved != (row.money_out, row.money_in):
        yield f"dispute {row.pk}: its money moved (out, in) {moved} at Stripe, not so with us"


def _orders() -> Iterator[str]:
    unfinished = RefundOrder.objects.filter(state=RefundOrder.State.OPEN).order_by("created_at")
    for order in unfinished[:LOOKUPS_MAX]:
        yield (
            f"refund order {order.pk}: {_dollars(order.cents)} of purchase {order.purchase_id} "
            "was ordered and never confirmed"
        )


def _credited(references: Iterable[str]) -> dict[str, int]:
    booked = Transfer.objects.filter(kind=Transfer.Kind.PURCHASE, reference__in=list(references))
    return dict(booked.values_list("reference", "amount_micros"))


def _dollars(cents: int) -> str:
    return money.display(money.from_cents(cents))
