"""The report of films: what was made, how long it took, and what failed why."""

from collections import defaultdict

from django.utils import timezone

from generations.reports import job_figures, ledger_figures
from generations.reports.job_figures import Jobs, Reason
from generations.reports.ledger_figures import Made
from generations.reports.money_report import MONEY, PERIOD
from generations.reports.periods import Period, Span
from generations.reports.report import Figure, Report, figure
from generations.reports.tables import Column, Sort, Table, share

INTRO = (
    "Seconds are those that were charged, on the day they were charged. A job counts as completed "
    "or failed when it ended; what customers cancelled is no failure. Time runs from the request "
    "to the film in our storage."
)


def films_report(span: Span) -> Report:
    """Return seconds, jobs, failures, times and the queue."""
    jobs, made = job_figures.jobs_of(span), ledger_figures.made_in(span)
    reasons = job_figures.reasons_in(span.last)
    tables = [_seconds(span, made), _by_model(span.last, made), _jobs(jobs), _times(jobs)]
    figures = [*_figures(span, jobs, made), _queue()]
    return Report("films", "Films", INTRO, figures, [*tables, _reasons(span.last, reasons)])


def _figures(span: Span, jobs: list[Jobs], made: list[Made]) -> list[Figure]:
    return [
        figure("Seconds made", Sort.COUNT, [_of(period, made)[0] for period in span.periods]),
        figure("Films", Sort.COUNT, [one.completed for one in jobs]),
        figure("Failure rate", Sort.SHARE, [_failure_rate(one) for one in jobs]),
        figure("Time to film, median", Sort.SECONDS, [one.median_seconds for one in jobs]),
        figure("Time to film, p95", Sort.SECONDS, [one.slow_seconds for one in jobs]),
    ]


def _queue() -> Figure:
    queue = job_figures.queue()
    note = f"waiting now; {queue.upstream:,} upstream, {queue.in_doubt:,} of them in doubt"
    if queue.oldest is not None:
        minutes = (timezone.now() - queue.oldest).total_seconds() / 60
        note += f"; the oldest waits for {minutes:,.0f} min"
    return Figure("Queue", Sort.COUNT, queue.waiting, note=note)


def _of(period: Period, made: list[Made]) -> tuple[int, int]:
    rows = [one for one in made if one.first == period.first]
    return sum(one.seconds for one in rows), sum(one.revenue_micros for one in rows)


def _failure_rate(jobs: Jobs) -> int | None:
    return share(jobs.failed, jobs.completed + jobs.failed)


def _seconds(span: Span, made: list[Made]) -> Table:
    sums: dict[object, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in made:
        sums[one.first][one.resolution] += one.seconds
    resolutions = sorted({one.resolution for one in made}) or ["720p"]
    return Table(
        "seconds",
        "Seconds made",
        (PERIOD, *(Column(f"seconds_{name}", name or "unknown") for name in resolutions)),
        [(period, *(sums[period.first][name] for name in resolutions)) for period in span.periods],
        drawn=tuple(f"seconds_{name}" for name in resolutions[:2]),
    )


def _by_model(period: Period, made: list[Made]) -> Table:
    return Table(
        "models",
        f"By model and resolution, {period}",
        (
            Column("model", "Model", Sort.TEXT),
            Column("resolution", "Resolution", Sort.TEXT),
            Column("films", "Films"),
            Column("seconds", "Seconds"),
            Column("revenue", "Revenue", MONEY),
        ),
        [
            (one.model, one.resolution, one.films, one.seconds, one.revenue_micros)
            for one in made
            if one.first == period.first
        ],
    )


def _jobs(jobs: list[Jobs]) -> Table:
    return Table(
        "jobs",
        "Jobs",
        (
            PERIOD,
            Column("asked", "Asked for"),
            Column("completed", "Completed"),
            Column("failed", "Failed"),
            Column("cancelled", "Cancelled"),
            Column("failure_rate", "Failure rate", Sort.SHARE),
        ),
        [
            (one.period, one.asked, one.completed, one.failed, one.cancelled, _failure_rate(one))
            for one in jobs
        ],
        drawn=("completed", "failed"),
    )


def _times(jobs: list[Jobs]) -> Table:
    return Table(
        "times",
        "Time from request to film",
        (PERIOD, Column("median", "Median", Sort.SECONDS), Column("p95", "p95", Sort.SECONDS)),
        [(one.period, one.median_seconds, one.slow_seconds) for one in jobs],
        drawn=("median", "p95"),
    )


def _reasons(period: Period, reasons: list[Reason]) -> Table:
    ended = sum(one.jobs for one in reasons)
    return Table(
        "failures",
        f"Why jobs failed, {period}",
        (
            Column("reason", "Reason, as the customer reads it", Sort.TEXT),
            Column("code", "Code", Sort.TEXT),
            Column("jobs", "Jobs"),
            Column("share", "Share", Sort.SHARE),
        ),
        [(one.words, str(one.code), one.jobs, share(one.jobs, ended)) for one in reasons],
    )
