"""What the billing page says of this month: what films have cost, day by day, and nothing else."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from billing import ledger, money, spending
from billing.models import LedgerAccount, Transfer
from tests.billing.test_billing_page import page
from tests.cast import Customer

Kind = Transfer.Kind
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CENT = money.parse("0.01")


@pytest.fixture(autouse=True)
def _the_23rd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def moved(customer: Customer, kind: Kind, cents: int, at: datetime) -> None:
    """Write a movement of that day: what costs lowers the balance, all else raises it."""
    book = ledger.book(customer.account)
    house = LedgerAccount.objects.get_or_create(code=LedgerAccount.Code.REVENUE)[0]
    debit, credit = (book, house) if kind == Kind.CAPTURE else (house, book)
    Transfer.objects.create(
        debit=debit,
        credit=credit,
        amount_micros=cents * CENT,
        kind=kind,
        reference=f"{kind}:{at}:{customer.user.email}",
        created_at=at,
    )


def test_each_day_of_this_month_has_what_its_films_cost(alice: Customer, bob: Customer) -> None:
    moved(alice, Kind.CAPTURE, 70, datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC))
    moved(alice, Kind.CAPTURE, 42, datetime(2026, 11, 1, tzinfo=UTC))
    moved(alice, Kind.CAPTURE, 84, NOW)
    moved(alice, Kind.SHORTFALL, 14, NOW + timedelta(minutes=1))
    moved(alice, Kind.PROMOTION, 500, NOW)
    moved(bob, Kind.CAPTURE, 99, NOW)

    month = spending.this_month(alice.account)

    assert {one.day.day: one.spent_micros // CENT for one in month.days if one.spent_micros} == {
        1: 42,
        23: 70,
    }
    assert (month.first.isoformat(), len(month.days)) == ("2026-11-01", 23)
    assert month.spent_micros == 112 * CENT
    assert month.most.day.day == 23
    assert [one.height for one in month.days if one.height] == [60, 100]


def test_a_day_that_only_gave_back_has_no_bar(alice: Customer) -> None:
    moved(alice, Kind.CAPTURE, 42, datetime(2026, 11, 2, tzinfo=UTC))
    moved(alice, Kind.SHORTFALL, 14, NOW)
    month = spending.this_month(alice.account)
    assert month.days[-1].height == 0
    assert month.spent_micros == 28 * CENT


def test_the_page_tells_of_spending_only_when_there_is_some(alice: Customer) -> None:
    assert 'id="spent"' not in page(alice.browser.get("/billing"))
    moved(alice, Kind.CAPTURE, 42, NOW)
    shown = page(alice.browser.get("/billing"))
    assert "Spent in November 2026" in shown
    assert re.search(r'id="spent">\s*\$0\.42\s*<', shown)
