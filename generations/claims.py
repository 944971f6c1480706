"""Claims on jobs: who works on which, for one lease at a time, and what the watch may touch.

A claim that is not renewed ends by itself, so a driver that died keeps nothing from the others.
"""

import math
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from generations import wakeups
from generations.models import Generation

Status = Generation.Status


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
    return _claim(Generation.objects.due(now).filter(ours).order_by("due_at", "id")[:limit], worker)


def _claim(jobs: QuerySet[Generation], worker: UUID | None) -> list[Generation]:
    with transaction.atomic():
        claimed = list(jobs.select_for_update(skip_locked=True, of=("self",)))
        if not claimed:
            return []
        Generation.objects.filter(pk__in=[job.pk for job in claimed]).update(
            leased_by=worker, lease_until=timezone.now() + lease()
        )
        for job in claimed:
            job.leased_by = worker
    return claimed


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
        status_since__gte=now - timedelta(seconds=settings.PATIENCE_RUNNING_SECONDS),
        fetching_since=None,
    )


def claim_ended(upstream_ids: Collection[str], worker: UUID | None = None) -> list[Generation]:
    """Claim, due or not, those of these jobs that still run for us and that nobody has claimed."""
    return _claim(watchable().filter(upstream_id__in=upstream_ids), worker)


def seen_running(upstream_ids: Collection[str], until: datetime) -> int:
    """Leave jobs alone until then that were just seen running; return how many were put off."""
    return _set_due(watchable().filter(upstream_id__in=upstream_ids, due_at__lt=until), until)


def make_all_due(upstream_ids: Collection[str]) -> int:
    """Have running jobs looked at now; return how many were not due yet."""
    now = timezone.now()
    with transaction.atomic():
        made = _set_due(watchable().filter(upstream_id__in=upstream_ids, due_at__gt=now), now)
        if made:
            wakeups.wake_driver()
    return made


def _set_due(jobs: QuerySet[Generation], due_at: datetime) -> int:
    with transaction.atomic():
        # Skipping what others have locked: two that update many rows could wait for each other.
        free = list(jobs.select_for_update(skip_locked=True, of=("self",)).values_list("pk"))
        return Generation.objects.filter(pk__in=[pk for (pk,) in free]).update(due_at=due_at)
