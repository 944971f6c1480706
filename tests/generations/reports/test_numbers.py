"""The reports' numbers are the ledger's and the statements', to the micro-dollar.

They are counted again here, line by line out of every customer's own statement.
"""

import csv
from collections import Counter, defaultdict
from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from billing import money, statement
from billing.models import Transfer
from billing.statement import EVERYTHING, Line
from generations.models import Generation
from generations.reports import cost_figures, job_figures, ledger_figures
from generations.reports.models import UpstreamBill
from generations.reports.periods import Period, Span, Unit
from tests.cast import Customer, tester
from tests.generations import stage

Kind = Transfer.Kind
UNITS = pytest.mark.parametrize("unit", list(Unit))


def span_of(unit: Unit) -> Span:
    return Span.ending(Period.holding(unit, timezone.now().date()))


def statements() -> list[Line]:
    """Return every line of every customer's statement."""
    live = Account.objects.filter(mode="live").order_by("pk")
    return [line for one in live for line in statement.all_lines(one, EVERYTHING)]


def told(period: Period, *kinds: str) -> int:
    """Return what statements say moved into customers' credit in a period."""
    return sum(
        line.change_micros
        for line in statements()
        if line.kind in kinds and period.since <= line.at < period.until
    )


@UNITS
def test_every_sum_of_money_is_that_of_the_statements(past: None, unit: Unit) -> None:
    lines = statements()
    sums: defaultdict[tuple[date, str], int] = defaultdict(int)
    for line in lines:
        sums[Period.holding(unit, line.at.date()).first, line.kind] += line.change_micros
    for found in ledger_figures.money_of(span_of(unit)):
        first = found.period.first
        assert found.revenue_micros == -sums[first, Kind.CAPTURE] - sums[first, Kind.SHORTFALL]
        assert found.sold_micros == sums[first, Kind.PURCHASE]
        assert found.gifts_micros == sums[first, Kind.PROMOTION]
        assert found.refunds_micros == -sums[first, Kind.REFUND]
        assert found.disputes_micros == -sums[first, Kind.DISPUTE] - sums[first, Kind.DISPUTE_WON]
        until = found.period.until
        assert found.liability_micros == sum(one.change_micros for one in lines if one.at < until)
    assert sum(abs(one.revenue_micros) for one in ledger_figures.money_of(span_of(unit))) > 0


@UNITS
def test_what_was_made_brought_the_revenue(past: None, unit: Unit) -> None:
    span = span_of(unit)
    made = ledger_figures.made_in(span)
    for found in ledger_figures.money_of(span):
        rows = [one for one in made if one.first == found.period.first]
        assert sum(one.revenue_micros for one in rows) == found.revenue_micros
    assert all(one.model and one.resolution for one in made)
    by_hand: Counter[str] = Counter()
    for job in Generation.objects.filter(status="completed", finished_at__gte=span.since):
        by_hand[job.inputs["resolution"]] += job.whole_seconds
    by_report: Counter[str] = Counter()
    for one in made:
        by_report[one.resolution] += one.seconds
    assert by_report == by_hand


def test_top_accounts_add_up_to_the_revenue(past: None) -> None:
    month = Period.holding(Unit.MONTH, timezone.now().date())
    payers = ledger_figures.top_payers(month)
    assert [one.revenue_micros for one in payers] == sorted(
        (one.revenue_micros for one in payers), reverse=True
    )
    [found] = [one for one in ledger_figures.money_of(span_of(Unit.MONTH)) if one.period == month]
    assert sum(one.revenue_micros for one in payers) == found.revenue_micros


@UNITS
def test_jobs_are_counted_as_they_are(past: None, unit: Unit) -> None:
    jobs = list(Generation.objects.filter(test=False))
    for found in job_figures.jobs_of(span_of(unit)):
        since, until = found.period.since, found.period.until
        ended = [job for job in jobs if job.finished_at and since <= job.finished_at < until]
        assert found.asked == sum(1 for job in jobs if since <= job.created_at < until)
        assert found.completed == sum(1 for job in ended if job.status == "completed")
        assert found.failed + found.cancelled == sum(1 for job in ended if job.status == "failed")
        accounts = {job.account_id for job in jobs if since <= job.created_at < until}
        assert found.active_accounts == len(accounts)
        times = sorted(
            (job.finished_at - job.created_at).total_seconds()
            for job in ended
            if job.finished_at and job.status == "completed"
        )
        if times:
            assert found.median_seconds is not None
            assert times[0] <= found.median_seconds <= times[-1]


def test_costs_are_those_of_the_bills(past: None) -> None:
    span = span_of(Unit.MONTH)
    bills = UpstreamBill.objects.filter(billed_at__gte=span.since, billed_at__lt=span.until)
    charged = sum(bill.micros for bill in bills if bill.sort == "deduct")
    returned = sum(bill.micros for bill in bills if bill.sort == "refund")
    found = cost_figures.costs_of(span)
    assert sum(cost.micros for cost in found) == charged - returned > 0
    assert 0 < sum(cost.billed for cost in found) < sum(cost.submitted for cost in found)


def test_test_mode_changes_no_number(past: None, alice: Customer) -> None:
    span = span_of(Unit.DAY)
    before = (ledger_figures.money_of(span), job_figures.jobs_of(span), job_figures.queue())
    came = job_figures.came_in(span)
    tess = tester(alice)
    stage.job(tess)
    after = (ledger_figures.money_of(span), job_figures.jobs_of(span), job_figures.queue())
    assert after == before
    assert job_figures.came_in(span) == came


def test_a_page_and_its_csv_say_what_the_ledger_says(past: None, olga: Customer) -> None:
    month = Period.holding(Unit.MONTH, timezone.now().date()).before
    browser = olga.browser
    page: Any = browser.get("/admin/reports/money/", {"by": "month", "at": str(month.first)})
    revenue = -told(month, Kind.CAPTURE, Kind.SHORTFALL)
    assert money.display(revenue) in page.content.decode()
    sheet: Any = browser.get(
        "/admin/reports/money/", {"by": "month", "at": str(month.first), "csv": "revenue"}
    )
    rows = list(csv.DictReader(b"".join(sheet.streaming_content).decode().splitlines()))
    assert rows[-1]["revenue_usd"] == money.decimal(revenue)
    assert rows[-1]["period"] == str(month)
    assert len(rows) == 12
