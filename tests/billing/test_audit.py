"""The audit: silent while everything adds up, and a sentence for each thing that does not."""

import json
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from billing import ledger, money, sums
from billing.models import Hold, LedgerAccount, Transfer
from tests.cast import Customer

PRICE = money.parse("0.945")
JOB = "generation:1"


def sql(statement: str, *values: int | UUID) -> None:
    """Do to the books what no code of ours would."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def captured(alice: Customer) -> None:
    ledger.hold(alice.account, PRICE, reference=JOB)
    ledger.capture(JOB)


def book_capture_by_hand(alice: Customer, amount_micros: int) -> None:
    """A capture transfer without a hold, with the balance made to fit."""
    Transfer.objects.create(
        debit=ledger.book(alice.account),
        credit=LedgerAccount.objects.get_or_create(code=LedgerAccount.Code.REVENUE)[0],
        amount_micros=amount_micros,
        kind=Transfer.Kind.CAPTURE,
        reference="generation:none",
    )
    sql(
        "UPDATE billing_ledgeraccount SET balance_micros = balance_micros - %s "
        "WHERE account_id = %s",
        amount_micros,
        alice.account.pk,
    )


@pytest.mark.django_db
def test_empty_books_add_up() -> None:
    assert sums.audit() == sums.Audit()


def test_sound_books_add_up_and_are_counted(alice: Customer, charlie: Customer) -> None:
    captured(alice)
    ledger.hold(alice.account, PRICE, reference="generation:2")
    ledger.hold(charlie.account, PRICE, reference="generation:3")
    ledger.release("generation:3")

    audit = sums.audit()

    assert audit.faults == []
    assert audit.transfers == 3
    assert audit.live == sums.Totals(2, money.parse("29.055"), PRICE)
    assert audit.test == sums.Totals()


@pytest.mark.parametrize("change_micros", [1, -1, 10_000_000])
def test_a_balance_that_no_transfer_explains_is_found(alice: Customer, change_micros: int) -> None:
    sql(
        "UPDATE billing_ledgeraccount SET balance_micros = balance_micros + %s WHERE code IS NULL",
        change_micros,
    )
    book = ledger.book(alice.account)
    assert sums.audit().faults == [
        f"account {book.pk}: balance {25_000_000 + change_micros}, transfers 25000000"
    ]


def test_a_held_sum_that_no_open_hold_explains_is_found(alice: Customer) -> None:
    ledger.hold(alice.account, PRICE, reference=JOB)
    sql("UPDATE billing_ledgeraccount SET held_micros = 0 WHERE account_id = %s", alice.account.pk)
    book = ledger.book(alice.account)
    assert sums.audit().faults == [f"account {book.pk}: held 0, open holds 945000"]


def test_a_hold_that_was_captured_without_a_transfer_is_found(alice: Customer) -> None:
    Hold.objects.create(
        ledger_account=ledger.book(alice.account),
        amount_micros=PRICE,
        reference=JOB,
        state=Hold.State.CAPTURED,
        settled_at=timezone.now(),
    )
    assert sums.audit().faults == [f"hold {JOB}: captured, but 945000 was not booked"]


def test_a_capture_that_no_hold_asked_for_is_found(alice: Customer) -> None:
    book_capture_by_hand(alice, PRICE)
    assert sums.audit().faults == ["capture generation:none: 945000 booked without its hold"]


def test_a_capture_of_another_sum_than_was_held_is_found_from_both_sides(alice: Customer) -> None:
    captured(alice)
    sql("UPDATE billing_hold SET amount_micros = 1")
    assert sums.audit().faults == [
        f"hold {JOB}: captured, but 1 was not booked",
        f"capture {JOB}: 945000 booked without its hold",
    ]


def test_a_captured_hold_turned_into_a_released_one_is_found(alice: Customer) -> None:
    captured(alice)
    sql("UPDATE billing_hold SET state = 'released'")
    assert sums.audit().faults == [f"capture {JOB}: 945000 booked without its hold"]


@pytest.mark.usefixtures("alice")
def test_a_fault_of_one_customer_is_not_blamed_on_another(charlie: Customer) -> None:
    sql(
        "UPDATE billing_ledgeraccount SET balance_micros = 7 WHERE account_id = %s",
        charlie.account.pk,
    )
    (fault,) = sums.audit().faults
    assert fault.startswith(f"account {ledger.book(charlie.account).pk}:")


@pytest.mark.usefixtures("alice")
def test_the_command_prints_one_line_and_passes_sound_books() -> None:
    printed = StringIO()
    call_command("audit", stdout=printed)
    assert json.loads(printed.getvalue()) == {
        "ok": True,
        "transfers": 1,
        "customers": 1,
        "balance": "25.00",
        "held": "0.00",
        "receivable": "0.00",
        "operator": {
            "stripe": "0.00",
            "revenue": "0.00",
            "promotions": "-25.00",
            "disputes": "0.00",
            "receivables": "0.00",
        },
        "test": {
            "customers": 0,
            "balance": "0.00",
            "held": "0.00",
            "operator": {"test_credit": "0.00", "test_revenue": "0.00"},
        },
        "faults": [],
    }


@pytest.mark.usefixtures("alice")
def test_the_command_ends_with_1_when_something_does_not_add_up() -> None:
    sql("UPDATE billing_ledgeraccount SET balance_micros = 1 WHERE account_id IS NOT NULL")
    printed = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("audit", stdout=printed)
    assert ended.value.code == 1
    assert json.loads(printed.getvalue())["ok"] is False


@pytest.mark.django_db(transaction=True)
def test_the_command_reads_one_snapshot_and_writes_nothing(alice: Customer) -> None:
    printed = StringIO()
    call_command("audit", stdout=printed)
    assert json.loads(printed.getvalue())["ok"] is True
    ledger.hold(alice.account, PRICE, reference=JOB)
    assert alice.available_micros == money.parse("24.055")
