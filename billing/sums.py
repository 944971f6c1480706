"""Prove the ledger's sums: balances by their transfers, held credit by its holds, live and test.

What the transfers stand for is proved by billing.audit. Work goes on while we count: call both
inside one REPEATABLE READ transaction, as `manage.py audit` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet, Sum

from accounts.models import Mode
from billing.models import Hold, LedgerAccount, Transfer

Kind = Transfer.Kind


@dataclass(frozen=True)
class Totals:
    """How many customers there are of one mode, and what all of them have and hold together."""

    customers: int = 0
    balance_micros: int = 0
    held_micros: int = 0


@dataclass(frozen=True)
class Audit:
    """What the audit counted, and what did not add up (a sentence each)."""

    transfers: int = 0
    live: Totals = field(default_factory=Totals)
    test: Totals = field(default_factory=Totals)
    faults: list[str] = field(default_factory=list)


def audit() -> Audit:
    """Prove that every balance is the sum of its transfers and every held sum of its holds."""
    books = LedgerAccount.objects.filter(code=None).order_by("id")
    customers = list(books.select_related("account"))
    return Audit(
        transfers=Transfer.objects.count(),
        live=_totals(customers, Mode.LIVE),
        test=_totals(customers, Mode.TEST),
        faults=[*_balance_faults(customers), *_settlement_faults()],
    )


def _totals(customers: Sequence[LedgerAccount], mode: Mode) -> Totals:
    rows = [row for row in customers if row.account and row.account.mode == mode]
    return Totals(
        customers=len(rows),
        balance_micros=sum(row.balance_micros for row in rows),
        held_micros=sum(row.held_micros for row in rows),
    )


def _balance_faults(customers: Sequence[LedgerAccount]) -> list[str]:
    credited = _sums(Transfer.objects.all(), "credit")
    debited = _sums(Transfer.objects.all(), "debit")
    holds = _sums(Hold.objects.filter(state=Hold.State.HELD), "ledger_account")
    faults = []
    for row in customers:
        booked = credited.get(row.pk, 0) - debited.get(row.pk, 0)
        held = holds.get(row.pk, 0)
        if row.balance_micros != booked:
            faults.append(f"account {row.pk}: balance {row.balance_micros}, transfers {booked}")
        if row.held_micros != held:
            faults.append(f"account {row.pk}: held {row.held_micros}, open holds {held}")
    return faults


def _settlement_faults() -> list[str]:
    """Compare captured holds with capture transfers, both ways."""
    captured = Hold.objects.filter(state=Hold.State.CAPTURED)
    transfers = Transfer.objects.filter(kind=Kind.CAPTURE)
    fields = ("reference", "amount_micros")
    unbooked = captured.values_list(*fields).difference(transfers.values_list(*fields))
    unheld = transfers.values_list(*fields).difference(captured.values_list(*fields))
    return [
        *(
            f"hold {reference}: captured, but {amount} was not booked"
            for reference, amount in unbooked
        ),
        *(f"capture {reference}: {amount} booked without its hold" for reference, amount in unheld),
    ]


def _sums(rows: QuerySet[Any], side: str) -> dict[int, int]:
    return dict(rows.values_list(side).annotate(total=Sum("amount_micros")))
