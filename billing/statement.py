"""The statement: every movement of an account's credit, the balance after it, and what for.

A choice of lines never changes the balance beside them: that is always of all movements.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet, Sum, TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from billing import ledger, memos
from billing.models import Dispute, Hold, Purchase, Refund, Transfer

Kind = Transfer.Kind

LINES_AT_ONCE = 1000
MONTHS_MAX = 120


class Group(TextChoices):
    """What a customer tells apart; each kind of movement belongs to one of them."""

    PURCHASES = "purchases", _("Purchases")
    FILMS = "films", _("Films")
    GIFTS = "gifts", _("Promotions and bonuses")
    RETURNS = "returns", _("Refunds and disputes")


GROUP_OF = {
    Kind.PURCHASE: Group.PURCHASES,
    Kind.CAPTURE: Group.FILMS,
    Kind.SHORTFALL: Group.FILMS,
    Kind.PROMOTION: Group.GIFTS,
    Kind.BONUS: Group.GIFTS,
    Kind.BONUS_BACK: Group.GIFTS,
    Kind.EXPIRY: Group.GIFTS,
    Kind.TEST_CREDIT: Group.GIFTS,
    Kind.CORRECTION: Group.GIFTS,
    Kind.REFUND: Group.RETURNS,
    Kind.REFUND_FAILED: Group.RETURNS,
    Kind.DISPUTE: Group.RETURNS,
    Kind.DISPUTE_WON: Group.RETURNS,
    Kind.RECEIVABLE: Group.RETURNS,
    Kind.RECEIVABLE_PAID: Group.RETURNS,
}


@dataclass(frozen=True)
class Choice:
    """Which lines are wanted: a group, and days in UTC, both included. Nothing means all."""

    group: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def condition(self) -> Q:
        """The same as a condition on transfers; an empty one when all are wanted."""
        condition = Q()
        if self.group:
            condition &= Q(kind__in=[kind for kind, of in GROUP_OF.items() if of == self.group])
        if self.since:
            condition &= Q(created_at__gte=_midnight(self.since))
        if self.until:
            condition &= Q(created_at__lt=_midnight(self.until) + timedelta(days=1))
        return condition


EVERYTHING = Choice()


@dataclass(frozen=True)
class Line:
    """One movement as the customer reads it.

    `memo` is English, as the books have it; `reference` names the job or payment behind it, and
    `purchase` is the one that it belongs to.
    """

    at: datetime
    kind: str
    memo: str
    change_micros: int
    balance_micros: int
    reference: str
    purchase: Purchase | None

    @property
    def what(self) -> str:
        """What it was for, in the language of now."""
        return memos.said(self.memo)

    @property
    def is_purchase(self) -> bool:
        """Whether the line is the purchase itself, not something that came of it."""
        return self.kind == Kind.PURCHASE

    @property
    def purchase_id(self) -> uuid.UUID | None:
        """The purchase's id, for its receipt."""
        return self.purchase.pk if self.purchase else None


def movements(account: Account, choice: Choice = EVERYTHING) -> QuerySet[Transfer, Any]:
    """Return the chosen transfers, newest first, as ledger.statement does."""
    everything = ledger.statement(account)
    if choice == EVERYTHING:
        return everything
    # Django puts a condition inside the window's query, where it would change the sums, unless
    # the condition asks about the window too. A balance is never missing, so this asks nothing.
    return everything.filter(choice.condition | Q(running_micros=None))


def lines(account: Account, transfers: Iterable[Any]) -> list[Line]:
    """Return these movements as lines, with the purchases behind them."""
    rows = list(transfers)
    purchases = _purchases_behind(account, {_payment_in(row.reference) for row in rows})
    return [
        Line(
            at=row.created_at,
            kind=row.kind,
            memo=row.memo or row.get_kind_display().capitalize(),
            change_micros=row.change_micros,
            balance_micros=row.running_micros,
            reference=row.reference,
            purchase=purchases.get(_payment_in(row.reference)),
        )
        for row in rows
    ]


def all_lines(account: Account, choice: Choice) -> Iterable[Line]:
    """Yield every chosen line, oldest first, a thousand in memory at a time."""
    rows = movements(account, choice).order_by("id").iterator(chunk_size=LINES_AT_ONCE)
    while batch := list(islice(rows, LINES_AT_ONCE)):
        yield from lines(account, batch)


def balance_before(account: Account, day: date) -> int:
    """Return the balance when the day began in UTC, in micro-dollars."""
    earlier = ledger.statement(account).filter(created_at__lt=_midnight(day))
    return earlier.aggregate(total=Sum("change_micros"))["total"] or 0


def months(account: Account) -> Sequence[date]:
    """Return the first days of the months in which something moved, newest first."""
    moved = ledger.statement(account).order_by()
    return list(moved.dates("created_at", "month", order="DESC")[:MONTHS_MAX])


def last_day(month: date) -> date:
    """Return the last day of the month that begins on this day."""
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def holds(account: Account) -> QuerySet[Hold]:
    """Return the credit set aside for running jobs: no movement yet."""
    return Hold.objects.filter(ledger_account=ledger.book(account), state=Hold.State.HELD)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _payment_in(reference: str) -> str:
    """Return "refund:re_1" of "refund:re_1:bonus": what a reference is about, without the part."""
    return ":".join(reference.split(":")[:2])


def _purchases_behind(account: Account, payments: Iterable[str]) -> dict[str, Purchase]:
    """Return the purchases by what names them: "purchase:pi_1", "refund:re_1", "dispute:du_1"."""
    named: dict[str, list[str]] = {"purchase": [], "refund": [], "dispute": []}
    for payment in payments:
        sort, _, name = payment.partition(":")
        if sort in named:
            named[sort].append(name)
    found: dict[str, Purchase] = {}
    if named["purchase"]:
        bought = Purchase.objects.filter(account=account, payment_intent__in=named["purchase"])
        found |= {f"purchase:{one.payment_intent}": one for one in bought}
    if named["refund"]:
        refunds = Refund.objects.filter(purchase__account=account, pk__in=named["refund"])
        found |= {f"refund:{one.pk}": one.purchase for one in refunds.select_related("purchase")}
    if named["dispute"]:
        disputes = Dispute.objects.filter(purchase__account=account, pk__in=named["dispute"])
        found |= {f"dispute:{one.pk}": one.purchase for one in disputes.select_related("purchase")}
    return found
