"""Choosing lines: by kind and by day, never changing the balance beside a line."""

from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing import ledger, money, statement
from billing.models import LedgerAccount, Transfer
from billing.statement import Choice, Group
from tests.cast import Customer

Code = LedgerAccount.Code
Kind = Transfer.Kind


def booked(customer: Customer, at: datetime, dollars: str, kind: Kind = Kind.PURCHASE) -> None:
    """A movement of an earlier day, past the ledger, which knows only now."""
    book, other = ledger.book(customer.account), LedgerAccount.objects.get_or_create(code="stripe")
    sides = (book, other[0]) if dollars.startswith("-") else (other[0], book)
    Transfer.objects.create(
        debit=sides[0],
        credit=sides[1],
        amount_micros=money.parse(dollars.removeprefix("-")),
        kind=kind,
        reference=f"{kind}:{Transfer.objects.count()}:{customer.account.pk}",
        created_at=at,
    )


def shown(customer: Customer, choice: Choice) -> list[tuple[str, str]]:
    return [
        (money.display(row.change_micros), money.display(row.running_micros))
        for row in statement.movements(customer.account, choice)
    ]


def test_a_choice_of_kind_keeps_the_balance_of_all_movements(bob: Customer) -> None:
    now = timezone.now()
    booked(bob, now, "10")
    booked(bob, now, "-0.945", Kind.CAPTURE)
    booked(bob, now, "5", Kind.PROMOTION)
    booked(bob, now, "-0.055001", Kind.CAPTURE)
    assert shown(bob, Choice(group=Group.FILMS)) == [
        ("-$0.055001", "$13.999999"),
        ("-$0.945", "$9.055"),
    ]


def test_a_choice_of_days_keeps_the_balance_of_all_movements(bob: Customer) -> None:
    for day in (1, 2, 3, 4):
        booked(bob, datetime(2026, 11, day, 12, tzinfo=UTC), "1")
    within = Choice(since=date(2026, 11, 2), until=date(2026, 11, 3))
    assert shown(bob, within) == [("$1.00", "$3.00"), ("$1.00", "$2.00")]


def test_both_days_are_included_from_midnight_to_midnight_in_utc(bob: Customer) -> None:
    midnight = datetime(2026, 11, 2, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    for at in (midnight - tick, midnight, midnight + timedelta(days=1) - tick):
        booked(bob, at, "1")
    booked(bob, midnight + timedelta(days=1), "1")
    day = date(2026, 11, 2)
    assert [balance for _, balance in shown(bob, Choice(since=day, until=day))] == [
        "$3.00",
        "$2.00",
    ]


@pytest.mark.parametrize("group", list(Group))
def test_whatever_is_chosen_has_the_lines_of_the_whole_statement(
    bob: Customer, group: Group
) -> None:
    for number, kind in enumerate(Kind):
        if kind != Kind.RECEIVABLE:
            booked(bob, timezone.now(), f"{number + 1}.000001", kind)
    whole = {row.pk: row.running_micros for row in statement.movements(bob.account)}
    chosen = list(statement.movements(bob.account, Choice(group=group)))
    assert chosen
    assert all(whole[row.pk] == row.running_micros for row in chosen)
    assert all(statement.GROUP_OF[row.kind] == group for row in chosen)


def test_every_kind_of_movement_belongs_to_a_group() -> None:
    assert set(statement.GROUP_OF) == set(Kind)


def test_the_groups_together_are_the_whole_statement(bob: Customer) -> None:
    for kind in Kind:
        booked(bob, timezone.now(), "1", kind)
    counts = [statement.movements(bob.account, Choice(group=group)).count() for group in Group]
    assert sum(counts) == statement.movements(bob.account).count() == len(Kind)


def test_the_balances_of_all_lines_add_up_when_streamed(bob: Customer) -> None:
    for number in range(1, 30):
        booked(bob, timezone.now(), f"0.00000{number % 9 + 1}")
    lines = list(statement.all_lines(bob.account, Choice()))
    assert [line.balance_micros for line in lines] == list(
        accumulate(line.change_micros for line in lines)
    )


def test_the_opening_balance_is_everything_before_the_day(bob: Customer) -> None:
    booked(bob, datetime(2026, 10, 31, 23, 59, tzinfo=UTC), "7.000001")
    booked(bob, datetime(2026, 11, 1, tzinfo=UTC), "1")
    assert statement.balance_before(bob.account, date(2026, 11, 1)) == 7_000_001
    assert statement.balance_before(bob.account, date(2026, 10, 1)) == 0


def test_months_are_those_in_which_something_moved_newest_first(bob: Customer) -> None:
    for month in (3, 11, 11, 12):
        booked(bob, datetime(2025, month, 5, tzinfo=UTC), "1")
    assert statement.months(bob.account) == [
        date(2025, 12, 1),
        date(2025, 11, 1),
        date(2025, 3, 1),
    ]


@pytest.mark.parametrize(
    ("first", "last"), [((2026, 2, 1), 28), ((2028, 2, 1), 29), ((2026, 12, 1), 31)]
)
def test_a_month_ends_on_its_last_day(first: tuple[int, int, int], last: int) -> None:
    assert statement.last_day(date(*first)).day == last


def test_a_page_of_lines_costs_a_few_queries_however_many_it_has(bob: Customer) -> None:
    for number in range(20):
        booked(bob, timezone.now(), f"{number + 1}")
        booked(bob, timezone.now(), "1", Kind.REFUND_FAILED)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        statement.lines(bob.account, statement.movements(bob.account))
    assert len(seen) <= 5
