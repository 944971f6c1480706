"""What jobs cost an account, a row for each step, as WaveSpeed's protocol lists its bills.

What is set aside for a job is deducted from that moment on: "pre" while the job runs, "done" when
it has ended. What comes back, in full or for missing seconds, is a refund of its own.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, F, Q, QuerySet, TextChoices, Value

from accounts.models import Account
from billing import ledger
from billing.models import Hold, Transfer

COLUMNS = ("sort", "reference", "amount_micros", "at", "progress")
# Any constant: with it a row has the same id each time.
ROWS = uuid.UUID("4a0c5b5e-6d0a-4a8f-9a34-6f1b5c1e7d20")


class Sort(TextChoices):
    """Which way the money goes."""

    DEDUCT = "deduct", "deducted"
    REFUND = "refund", "came back"


@dataclass(frozen=True)
class Bill:
    """One row. `reference` is the ledger's name of the job."""

    sort: str
    reference: str
    amount_micros: int
    at: datetime
    progress: str

    @property
    def id(self) -> str:
        """Its name, 32 hex digits: a job has one deduction and at most one refund."""
        return uuid.uuid5(ROWS, f"{self.sort}:{self.reference}").hex

    @property
    def is_settled(self) -> bool:
        """Whether the job has ended, so that nothing of the row will change."""
        return self.progress != Hold.State.HELD


def search(
    account: Account,
    moments: Q,
    *,
    sort: str = "",
    references: Collection[str] | None = None,
) -> QuerySet[Any, tuple[Any, ...]]:
    """Return the account's rows, newest first, each as the fields of a Bill.

    `moments` is a condition on `at`; `references`, when given, are the only jobs that are wanted.
    """
    book = ledger.book(account)
    wanted = moments if references is None else moments & Q(reference__in=references)
    holds = Hold.objects.filter(ledger_account=book)
    released = holds.filter(state=Hold.State.RELEASED)
    short = Transfer.objects.filter(credit=book, kind=Transfer.Kind.SHORTFALL)
    ended = Value(Hold.State.RELEASED.value, CharField())
    deductions = _rows(holds, Sort.DEDUCT, wanted, at=F("created_at"), progress=F("state"))
    refunds = [
        _rows(released, Sort.REFUND, wanted, at=F("settled_at"), progress=ended),
        _rows(short, Sort.REFUND, wanted, at=F("created_at"), progress=ended),
    ]
    rows: QuerySet[Any, tuple[Any, ...]] = {
        Sort.DEDUCT: deductions,
        Sort.REFUND: refunds[0].union(refunds[1], all=True),
        "": deductions.union(*refunds, all=True),
    }[sort]
    return rows.order_by("-at", "-reference", "-sort")


def _rows(
    source: QuerySet[Any], sort: Sort, wanted: Q, **columns: Any
) -> QuerySet[Any, tuple[Any, ...]]:
    named = source.annotate(sort=Value(sort.value, CharField()), **columns).filter(wanted)
    rows: QuerySet[Any, tuple[Any, ...]] = named.values_list(*COLUMNS)
    return rows
