"""What the jobs say of a time: how many, how long they took, why some failed, and who asked.

Jobs of accounts in test mode are left out. What they brought is the ledger's to say.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Min, Q

from generations import failures
from generations.models import Generation
from generations.reports import asking
from generations.reports.periods import Period, Span

REASONS_MAX = 25

_ASKED = """
SELECT date_trunc(%(unit)s, created_at AT TIME ZONE 'UTC')::date, count(*),
       count(DISTINCT account_id)
FROM generations_generation
WHERE NOT test AND created_at >= %(since)s AND created_at < %(until)s
GROUP BY 1
"""
_ENDED = """
SELECT first, count(*) FILTER (WHERE status = 'completed'),
       count(*) FILTER (WHERE status = 'failed' AND error <> %(cancelled)s),
       count(*) FILTER (WHERE status = 'failed' AND error = %(cancelled)s),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE status = 'completed'),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY took) FILTER (WHERE status = 'completed')
FROM (
    SELECT date_trunc(%(unit)s, finished_at AT TIME ZONE 'UTC')::date AS first, status, error,
           extract(epoch FROM finished_at - created_at)::float8 AS took
    FROM generations_generation
    WHERE NOT test AND finished_at >= %(since)s AND finished_at < %(until)s
) AS ended
GROUP BY first
"""
# Why pictures cannot be used is told in many words: they are one reason.
_REASONS = """
SELECT CASE error_code WHEN 1402 THEN 'The picture could not be used.' ELSE error END AS reason,
       error_code, count(*)
FROM generations_generation
WHERE NOT test AND status = 'failed' AND finished_at >= %(since)s AND finished_at < %(until)s
GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT %(most)s
"""
# Those who came in a period, and how many of them have got that far by now.
_CAME = """
SELECT date_trunc(%(unit)s, account.created_at AT TIME ZONE 'UTC')::date, count(*),
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM generations_generation AS job
           WHERE job.account_id = account.id AND job.status = 'completed')),
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM billing_purchase AS purchase
           WHERE purchase.account_id = account.id AND purchase.status = 'paid'))
FROM accounts_account AS account
WHERE account.mode = 'live' AND account.created_at >= %(since)s AND account.created_at < %(until)s
GROUP BY 1
"""


@dataclass(frozen=True)
class Jobs:
    """Jobs of one period: asked for in it, and ended in it. Times are in seconds."""

    period: Period
    asked: int = 0
    active_accounts: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    median_seconds: float | None = None
    slow_seconds: float | None = None


@dataclass(frozen=True)
class Reason:
    """Why jobs failed, how many, and WaveSpeed's number for it."""

    words: str
    code: int
    jobs: int


@dataclass(frozen=True)
class Came:
    """Accounts that were opened in a period; how many have a film, and how many have paid."""

    period: Period
    accounts: int = 0
    with_film: int = 0
    with_purchase: int = 0


@dataclass(frozen=True)
class Queue:
    """Jobs on their way at this moment."""

    waiting: int
    upstream: int
    in_doubt: int
    oldest: datetime | None


def jobs_of(span: Span) -> list[Jobs]:
    """Return the jobs of each period, oldest first."""
    asked = _by_first(asking.rows(_ASKED, _bounds(span)))
    cancelled = {"cancelled": failures.CANCELLED.sentence}
    ended = _by_first(asking.rows(_ENDED, _bounds(span) | cancelled))
    nothing_asked, nothing_ended = (0, 0), (0, 0, 0, None, None)
    return [
        Jobs(
            period,
            *asked.get(period.first, nothing_asked),
            *ended.get(period.first, nothing_ended),
        )
        for period in span.periods
    ]


def reasons_in(period: Period) -> list[Reason]:
    """Return why jobs failed in a period, the most frequent reason first."""
    asked = {"since": period.since, "until": period.until, "most": REASONS_MAX}
    return [Reason(*row) for row in asking.rows(_REASONS, asked)]


def came_in(span: Span) -> list[Came]:
    """Return who came in each period, oldest first."""
    came = _by_first(asking.rows(_CAME, _bounds(span)))
    return [Came(period, *came.get(period.first, (0, 0, 0))) for period in span.periods]


def queue() -> Queue:
    """Return what is on its way now."""
    status = Generation.Status
    counts = Generation.objects.unfinished().filter(test=False)
    found = counts.aggregate(
        waiting=Count("pk", filter=Q(status=status.CREATED)),
        upstream=Count("pk", filter=~Q(status=status.CREATED)),
        in_doubt=Count("pk", filter=Q(status=status.IN_DOUBT)),
        oldest=Min("created_at", filter=Q(status=status.CREATED)),
    )
    return Queue(**found)


def _bounds(span: Span) -> dict[str, Any]:
    return {"unit": span.unit, "since": span.since, "until": span.until}


def _by_first(rows: list[tuple[Any, ...]]) -> dict[date, tuple[Any, ...]]:
    return {first: tuple(rest) for first, *rest in rows}
