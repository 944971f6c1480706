"""Prove ledger, payments and jobs together, in one snapshot while work goes on."""

from collections.abc import Collection, Mapping
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from billing import audit as payments
from billing import ledger, money, notices, sums
from generations import audit

# What the last scheduled proof found: (when, how many faults).
LAST = "proof:last"
TOLD_MAX = 50


def run() -> dict[str, Any]:
    """Return what `manage.py audit` prints: the sums, and `faults`, a sentence each."""
    with transaction.atomic():
        if not connection.savepoint_ids:
            # One snapshot for every question, while work goes on.
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        books = sums.audit()
        faults = books.faults + payments.faults() + audit.faults()
        owed, operator = payments.receivable_micros(), payments.operator_micros()
    return {
        "ok": not faults,
        "transfers": books.transfers,
        **_totals(books.live),
        "receivable": money.decimal(owed),
        "operator": _dollars(operator, set(operator) - ledger.TEST),
        "test": {**_totals(books.test), "operator": _dollars(operator, ledger.TEST)},
        "faults": faults,
    }


def run_and_tell() -> str:
    """Prove everything, note the result for the figures of the site, and mail the operator faults.

    A task runs it every hour.
    """
    faults = run()["faults"]
    cache.set(LAST, (timezone.now().timestamp(), len(faults)), timeout=None)
    if faults:
        notices.tell_operator(
            f"The audit found {len(faults)} faults",
            "Nothing is mended by itself. Read docs/incidents.md, “The audit finds a fault”.\n\n"
            + "\n".join(faults[:TOLD_MAX]),
        )
    return f"{len(faults)} faults"


def last() -> tuple[float, int] | None:
    """Return when the last scheduled proof ended (seconds since 1970) and its number of faults."""
    found: tuple[float, int] | None = cache.get(LAST)
    return found


def _totals(of_mode: sums.Totals) -> dict[str, Any]:
    return {
        "customers": of_mode.customers,
        "balance": money.decimal(of_mode.balance_micros),
        "held": money.decimal(of_mode.held_micros),
    }


def _dollars(operator: Mapping[str, int], codes: Collection[str]) -> dict[str, str]:
    return {code: money.decimal(micros) for code, micros in operator.items() if code in codes}
