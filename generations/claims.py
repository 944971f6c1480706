"""Claims on jobs: who works on which, for one lease at a time, and what the watch may touch.

A claim that is not renewed ends by itself, so a driver that died keeps nothing from the others.
"""

import math
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import BooleanField, Q, QuerySet, prefetch_related_objects
from django.db.models.expressions import RawSQL
from django.utils import timezone

from config.limits import tier_of
from generations import wakeups
from generations.models import Generation

Status = Generation.Status


# Test jobs in the order in which they are taken further: those that were begun, then those whose
# account may begin another.
_TESTS = """
WITH due AS (
    SELECT id, account_id, status = 'created' AS waits, row_number() OVER (
        PARTITION BY account_id, status = 'created' ORDER BY created_at, id
    ) AS nth
    FROM generations_generation
    WHERE test AND status IN ('created', 'submitting', 'in_doubt', 'processing')
      AND due_at <= %(now)s AND (lease_until IS NULL OR lease_until < %(now)s)
), busy AS (
    SELECT account_id, count(*) AS running FROM generations_generation
    WHERE test AND account_id IN (SELECT account_id FROM due)
      AND (status IN ('submitting', 'in_doubt', 'processing')
           OR (status = 'created' AND lease_until >= %(now)s))
    GROUP BY account_id
)
SELECT id FROM due LEFT JOIN busy USING (account_id)
WHERE NOT waits OR coalesce(running, 0) + nth <= %(jobs)s
ORDER BY waits, nth, account_id LIMIT %(limit)s
"""

# Free rows are locked first and apart: inside the UPDATE the planner might read the limited list
# more than once. Locked ones are skipped: two that update many rows could wait for each other.
_SET = """
WITH free AS MATERIALIZED ({free} FOR UPDATE SKIP LOCKED)
UPDATE generations_generation AS job SET {values} FROM free WHERE job.id = free.id
"""
# One round trip: most often to learn that nothing is due, sometimes for thousands of rows.
_CLAIM = _SET + "RETURNING {columns}"


def lease() -> timedelta:
    """Return how long a claim lives without being renewed."""
    return timedelta(seconds=settings.LEASE_SECONDS)


def claim(limit: int, worker: UUID | None = None) -> list[Generation]:
    """Claim up to `limit` due jobs for one lease and return them, longest due first.

    Waiting jobs are claimed by places.claim; here only those that have waited for too long.
    """
    now = timezone.now()
    waiting = timedelta(seconds=settings.PATIENCE_WAITING_SECONDS)
    ours = ~Q(status=Status.CREATED) | Q(created_at__lt=now - waiting)
    due = Generation.objects.due(now).filter(ours, test=False)
    return _claim(due.order_by("due_at", "id")[:limit], worker)


def claim_tests(limit: int, worker: UUID | None = None) -> list[Generation]:
    """Claim up to `limit` due test jobs for one lease, each account's turn by turn.

    They need no place upstream, but their accounts may run no more at once than live ones.
    """
    now = timezone.now()
    figures: dict[str, Any] = {"now": now, "limit": limit, "jobs": tier_of(0).running_jobs}
    with connection.cursor() as cursor:
        cursor.execute(_TESTS, figures)
        next_ones = [pk for (pk,) in cursor.fetchall()]
    if not next_ones:
        return []
    claimed = _claim(Generation.objects.due(now).filter(pk__in=next_ones), worker)
    prefetch_related_objects(claimed, "account", "upload")
    return claimed


def _claim(jobs: QuerySet[Generation], worker: UUID | None) -> list[Generation]:
    free, values = jobs.values("id").query.sql_with_params()
    fields = Generation._meta.concrete_fields  # noqa: SLF001  documented
    statement = _CLAIM.format(
        free=free,
        values="leased_by = %s, lease_until = %s",
        columns=", ".join(f"job.{field.column}" for field in fields),
    )
    claimed = Generation.objects.raw(statement, [*values, worker, timezone.now() + lease()])
    return sorted(claimed, key=lambda job: (job.due_at, job.pk))


def seconds_until_due() -> float:
    """Return how long until a job comes due that is not due yet; infinite when none will."""
    now = timezone.now()
    coming = Generation.objects.unfinished().filter(due_at__gt=now).order_by("due_at")
    first = coming.values_list("due_at", flat=True).first()
    return (first - now).total_seconds() if first else math.inf


def renew(jobs: Collection[UUID], worker: UUID) -> None:
    """Keep this worker's claims on the jobs that it is still at work on."""
    mine = Generation.objects.filter(pk__in=jobs, leased_by=worker, lease_until__isnull=False)
    mine.update(lease_until=timezone.now() + lease())


def watchable() -> QuerySet[Generation]:
    """Return running jobs that nobody has claimed and that the history tells the end of.

    Left to single polls, at their own intervals: a job whose film is ready and could not be
    fetched, and one that has run for too long, which must come due to be given up.
    """
    now = timezone.now()
    return Generation.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=now),
        status=Status.PROCESSING,
        test=False,
        status_since__gte=now - timedelta(seconds=settings.PATIENCE_RUNNING_SECONDS),
        fetching_since=None,
    )


def claim_ended(upstream_ids: Collection[str], worker: UUID | None = None) -> list[Generation]:
    """Claim, due or not, those of these jobs that still run for us and that nobody has claimed."""
    return _claim(watchable().filter(_is_one_of(upstream_ids)), worker)


def seen_running(upstream_ids: Collection[str], until: datetime) -> int:
    """Leave jobs alone until then that were just seen running; return how many were put off."""
    return _set_due(watchable().filter(_is_one_of(upstream_ids), due_at__lt=until), until)


def make_all_due(upstream_ids: Collection[str]) -> int:
    """Have running jobs looked at now; return how many were not due yet."""
    now = timezone.now()
    with transaction.atomic():
        made = _set_due(watchable().filter(_is_one_of(upstream_ids), due_at__gt=now), now)
        if made:
            wakeups.wake_driver()
    return made


def _is_one_of(upstream_ids: Collection[str]) -> RawSQL:
    """Return the condition; with a space in it an id is none, and its job is polled by itself.

    One value for them all: Django takes microseconds for each, and a sweep names thousands.
    """
    words = " ".join(upstream_ids)
    return RawSQL("upstream_id = ANY(string_to_array(%s, ' '))", [words], BooleanField())


def _set_due(jobs: QuerySet[Generation], due_at: datetime) -> int:
    free, values = jobs.values("id").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_SET.format(free=free, values="due_at = %s"), [*values, due_at])
        return int(cursor.rowcount)
