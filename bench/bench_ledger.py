"""What the ledger's checks cost: hold and capture beside the same statements as bare SQL."""

import statistics
import time
from collections.abc import Callable
from itertools import count

import pytest
from django.db import connection, transaction

from billing import ledger, sums
from billing.models import LedgerAccount
from tests.cast import Customer, customer

ROUNDS = 5
JOBS = 200
PRICE = 700_000

_numbers = count()


def by_ledger(customer: Customer) -> None:
    """Hold and capture as the product does it."""
    reference = f"ledger {next(_numbers)}"
    ledger.hold(customer.account, PRICE, reference=reference)
    ledger.capture(reference)


def by_hand(customer_id: int, revenue_id: int) -> None:
    """Write the same rows with as few statements as they take."""
    reference = f"by hand {next(_numbers)}"
    with connection.cursor() as cursor:
        with transaction.atomic():
            cursor.execute(
                "UPDATE billing_ledgeraccount SET held_micros = held_micros + %s "
                "WHERE id = %s AND balance_micros >= held_micros + %s",
                [PRICE, customer_id, PRICE],
            )
            cursor.execute(
                "INSERT INTO billing_hold (ledger_account_id, amount_micros, reference, memo, "
                "state, created_at) VALUES (%s, %s, %s, '', 'held', now())",
                [customer_id, PRICE, reference],
            )
        with transaction.atomic():
            cursor.execute(
                "UPDATE billing_hold SET state = 'captured', settled_at = now() "
                "WHERE reference = %s AND state = 'held'",
                [reference],
            )
            cursor.execute(
                "UPDATE billing_ledgeraccount SET held_micros = held_micros - %s, "
                "balance_micros = balance_micros - %s WHERE id = %s",
                [PRICE, PRICE, customer_id],
            )
            cursor.execute(
                "INSERT INTO billing_transfer (debit_id, credit_id, amount_micros, kind, "
                "reference, memo, created_at) VALUES (%s, %s, %s, 'capture', %s, '', now())",
                [customer_id, revenue_id, PRICE, reference],
            )


def rate(work: Callable[[], None]) -> float:
    """Return how often a second the work is done."""
    begun = time.perf_counter()
    for _ in range(JOBS):
        work()
    return JOBS / (time.perf_counter() - begun)


@pytest.mark.django_db(transaction=True)
def bench_hold_and_capture(capsys: pytest.CaptureFixture[str]) -> None:
    """Print the ledger's rate beside that of bare SQL, in turns on one connection."""
    rich = customer("bench", "100000")
    by_ledger(rich)
    customer_id = ledger.book(rich.account).pk
    revenue_id = LedgerAccount.objects.get(code=LedgerAccount.Code.REVENUE).pk
    rates: dict[str, list[float]] = {"ledger": [], "by hand": []}
    for _ in range(ROUNDS):
        rates["ledger"].append(rate(lambda: by_ledger(rich)))
        rates["by hand"].append(rate(lambda: by_hand(customer_id, revenue_id)))
    ours, bare = (statistics.median(rates[name]) for name in ("ledger", "by hand"))
    with capsys.disabled():
        print(
            f"\nhold + capture: ledger {ours:.0f}/s, same rows by bare SQL {bare:.0f}/s, "
            f"ratio {ours / bare:.2f} (medians of {ROUNDS} rounds of {JOBS}, one connection)"
        )
    assert sums.audit().faults == []
