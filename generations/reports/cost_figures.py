"""What the upstream charged us in a time, as far as its bills have been read."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from generations.reports import asking
from generations.reports.periods import Period, Span

JOBS_MAX = 100

# A test job is made by nobody upstream, so whatever is billed is meant.
_COSTS = """
SELECT date_trunc(%(unit)s, billed_at AT TIME ZONE 'UTC')::date,
       coalesce(sum(micros) FILTER (WHERE sort = 'deduct'), 0)::bigint,
       coalesce(sum(micros) FILTER (WHERE sort = 'refund'), 0)::bigint
FROM reports_upstreambill
WHERE billed_at >= %(since)s AND billed_at < %(until)s
GROUP BY 1
"""
_KNOWN = """
SELECT date_trunc(%(unit)s, submitted_at AT TIME ZONE 'UTC')::date, count(*),
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM reports_upstreambill AS bill WHERE bill.generation_id = job.id))
FROM generations_generation AS job
WHERE NOT test AND submitted_at >= %(since)s AND submitted_at < %(until)s
GROUP BY 1
"""
_BELOW = """
SELECT * FROM (
    SELECT job.id, job.model, coalesce(job.inputs->>'resolution', ''), job.created_at,
           CASE job.status WHEN 'completed' THEN job.price_micros - job.shortfall_micros
               ELSE 0 END AS paid,
           sum(CASE bill.sort WHEN 'deduct' THEN bill.micros ELSE -bill.micros END)::bigint AS cost
    FROM generations_generation AS job
    JOIN reports_upstreambill AS bill ON bill.generation_id = job.id
    WHERE job.finished_at >= %(since)s AND job.finished_at < %(until)s
    GROUP BY job.id
) AS billed
WHERE cost > paid ORDER BY cost - paid DESC, id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Cost:
    """What was charged and given back in a period, in micro-dollars, and how much is known.

    `submitted` counts the jobs that went upstream in it, `billed` those whose bill we have.
    """

    period: Period
    charged_micros: int = 0
    returned_micros: int = 0
    submitted: int = 0
    billed: int = 0

    @property
    def micros(self) -> int:
        """What it came to."""
        return self.charged_micros - self.returned_micros


@dataclass(frozen=True)
class Loss:
    """A job that cost more than its customer paid."""

    job: UUID
    model: str
    resolution: str
    created_at: Any
    paid_micros: int
    cost_micros: int


def costs_of(span: Span) -> list[Cost]:
    """Return what each period cost us, oldest first."""
    asked: dict[str, Any] = {"unit": span.unit, "since": span.since, "until": span.until}
    costs = _by_first(asking.rows(_COSTS, asked))
    known = _by_first(asking.rows(_KNOWN, asked))
    return [
        Cost(period, *costs.get(period.first, (0, 0)), *known.get(period.first, (0, 0)))
        for period in span.periods
    ]


def losses_in(period: Period) -> list[Loss]:
    """Return the jobs ended in a period that cost more than they brought, the worst first."""
    asked = {"since": period.since, "until": period.until, "most": JOBS_MAX}
    return [Loss(*row) for row in asking.rows(_BELOW, asked)]


def _by_first(rows: list[tuple[Any, ...]]) -> dict[date, tuple[Any, ...]]:
    return {first: tuple(rest) for first, *rest in rows}
