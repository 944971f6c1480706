"""The reports' pages: for those who may, quick, complete, and charts with their tables."""

import statistics
import time
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from generations.reports import charts
from generations.reports.pages import REPORTS
from generations.reports.periods import Period, Unit
from generations.reports.report import Figure
from generations.reports.tables import Column, Sort, Table, csv_of, share, shown
from tests.cast import Customer
from tests.generations.desk.operators import helper

every_report = pytest.mark.parametrize("name", sorted(REPORTS))
LOOKS = 5
SECONDS_MAX = 1.0


@every_report
def test_each_report_opens_for_each_unit_in_time(past: None, olga: Customer, name: str) -> None:
    # A busy machine makes one look slow, not every second one; bench_reports has the p95.
    browser, took = olga.browser, []
    for unit in list(Unit) * LOOKS:
        begun = time.perf_counter()
        page: Any = browser.get(f"/admin/reports/{name}/", {"by": unit})
        took.append(time.perf_counter() - begun)
        assert page.status_code == 200
        assert [table for table in page.context["report"].tables if table.rows]
    assert statistics.median(took) < SECONDS_MAX


@every_report
def test_each_table_comes_as_csv(past: None, olga: Customer, name: str) -> None:
    browser = olga.browser
    page: Any = browser.get(f"/admin/reports/{name}/")
    for table in page.context["report"].tables:
        answer: Any = browser.get(f"/admin/reports/{name}/", {"csv": table.name})
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert len(b"".join(answer.streaming_content).splitlines()) == 1 + len(table.rows)
    assert browser.get(f"/admin/reports/{name}/", {"csv": "no"}).status_code == 404


@every_report
def test_an_empty_site_has_reports_too(olga: Customer, name: str) -> None:
    assert olga.browser.get(f"/admin/reports/{name}/").status_code == 200


@every_report
def test_a_report_is_for_those_who_may_see_it(db: None, alice: Customer, name: str) -> None:
    may, other = helper("may", "see_reports"), helper("other", "view_account")
    assert may.browser.get(f"/admin/reports/{name}/").status_code == 200
    assert other.browser.get(f"/admin/reports/{name}/").status_code == 403
    assert alice.browser.get(f"/admin/reports/{name}/").status_code == 302


@pytest.mark.parametrize("wrong", [{"by": "year"}, {"at": "x"}, {"at": "0001-01-01"}])
def test_a_period_that_is_none_is_404(olga: Customer, wrong: dict[str, str]) -> None:
    assert olga.browser.get("/admin/reports/money/", wrong).status_code == 404


def test_the_queries_of_a_page_do_not_grow(
    past: None, olga: Customer, django_assert_max_num_queries: Any
) -> None:
    browser = olga.browser
    for name in REPORTS:
        with django_assert_max_num_queries(24):
            browser.get(f"/admin/reports/{name}/")


def test_weeks_and_months_meet_without_a_gap() -> None:
    for unit in Unit:
        period = Period.holding(unit, timezone.now().date())
        for _ in range(40):
            assert period.before.until == period.since
            assert period.before.after == period
            period = period.before


def table(*values: Any, sort: Sort = Sort.MONEY) -> Table:
    return Table(
        "t",
        "T",
        (Column("day", "Day", Sort.DAY), Column("sum", "Sum", sort)),
        [(f"day {number}", value) for number, value in enumerate(values)],
        drawn=("sum",),
    )


def test_a_bar_stands_on_the_line_or_hangs_from_it() -> None:
    chart = charts.of_table(table(5_000_000, -5_000_000, None))
    assert chart is not None
    up, down, nothing = chart.bars
    assert up.y + up.height == pytest.approx(chart.baseline)
    assert down.y == pytest.approx(chart.baseline)
    assert up.height == pytest.approx(down.height)
    assert nothing.height == 0
    assert (up.words, down.words) == ("day 0: Sum $5.00", "day 1: Sum -$5.00")


@pytest.mark.parametrize("most", [1, 7, 999_999, 1_000_000, 123_456_789, 10**15])
def test_every_bar_stays_inside_its_chart(most: int) -> None:
    chart = charts.of_table(table(most, most // 3))
    assert chart is not None
    assert len(chart.lines) <= 5
    assert all(0 <= bar.y <= bar.y + bar.height <= charts.HEIGHT for bar in chart.bars)
    assert max(bar.height for bar in chart.bars) > charts.HEIGHT / 3


def test_a_table_without_a_figure_has_no_chart() -> None:
    assert charts.of_table(table(0, None)) is None


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(1, 3, "33.33 %"), (2, 3, "66.67 %"), (-1, 8, "-12.50 %"), (1, 0, "-"), (1, 1, "100.00 %")],
)
def test_a_share_is_exact_to_the_hundredth_of_a_percent(part: int, whole: int, words: str) -> None:
    assert shown(share(part, whole), Sort.SHARE) == words


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [(15, 10, "+50.00 %"), (5, 10, "-50.00 %"), (10, 10, "0.00 %"), (10, 0, ""), (10, None, "")],
)
def test_a_figure_says_how_it_changed(now: int, before: int | None, change: str) -> None:
    assert Figure("x", Sort.COUNT, now, before).change == change


def test_no_name_is_a_formula_in_a_sheet_or_markup_on_a_page(past: None, olga: Customer) -> None:
    Account.objects.update(name='=HYPERLINK("http://evil.example")<script>')
    browser = olga.browser
    page: Any = browser.get("/admin/reports/accounts/", {"by": "month"})
    assert "<script>" not in page.content.decode().split("op-figures")[1].split("</main")[0]
    sheet: Any = browser.get("/admin/reports/accounts/", {"by": "month", "csv": "top"})
    rows = b"".join(sheet.streaming_content).decode().splitlines()[1:]
    assert rows
    assert all(row.startswith("\"'=HYPERLINK") for row in rows)


def test_a_sheet_holds_figures_that_programs_read() -> None:
    assert list(csv_of(table(1_500_000, None))) == [
        "day,sum_usd\r\n",
        "day 0,1.50\r\n",
        "day 1,\r\n",
    ]
