"""Remove files for good: noted in the transaction that lets go of them, removed afterwards.

A storage knows no transactions. So whoever lets a file go writes its name here, and a task removes
what is noted; when the storage does not answer, the note stays and is tried again.
"""

import logging
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config import media
from generations import marked
from generations.models import DiscardedFile, Generation, GenerationQuerySet, Upload

logger = logging.getLogger(__name__)

FILMS = "films"
CLEAR_MAX = 500
# One file may be stuck; when several in a row are, it is the storage.
FAILURES_MAX = 3
# No attempt to keep a film lasts as long, so nobody is about to name a file of this age.
ORPHAN_AGE = timedelta(days=1)
ORPHANS_AT_ONCE = 1000
# As long as WaveSpeed keeps its films.
TEST_AGE = timedelta(days=7)
# How long what was deleted on a page can be brought back. Programs delete for good.
UNDO_AGE = timedelta(days=1)
PARTS = ("video", "poster", "strip", "preview", "poster_small")


class StillRunning(Exception):
    """The job has not ended, so there is nothing to delete yet."""

    def __init__(self) -> None:
        super().__init__(_("This film is still being made. Delete it when it has ended."))


def discard(names: Iterable[str]) -> None:
    """Note files to be removed, in the caller's transaction; noting twice is noting once."""
    rows = [DiscardedFile(name=name) for name in names if name]
    DiscardedFile.objects.bulk_create(rows, ignore_conflicts=True)


def clear(limit: int = CLEAR_MAX) -> int:
    """Remove up to `limit` noted files, the oldest note first; return how many are gone.

    What the storage does not remove stays noted, behind all others.
    """
    removed = failures = 0
    for row in DiscardedFile.objects.order_by("since", "id")[:limit]:
        try:
            media.storage().delete(row.name)
        except OSError as error:
            logger.warning("%s could not be removed and will be tried again: %s", row.name, error)
            DiscardedFile.objects.filter(pk=row.pk).update(since=timezone.now())
            failures += 1
            if failures == FAILURES_MAX:
                break
        else:
            row.delete()
            removed += 1
            failures = 0
    return removed


def hide(jobs: GenerationQuerySet, now: datetime) -> int:
    """Take finished jobs out of everyone's sight, to be deleted in a day; return how many.

    One statement: of two that hide the same job, one counts it. By `now` they can be found again.
    """
    return jobs.filter(marked.ENDED, marked.SHOWN).update(hidden_at=now)


def bring_back(jobs: GenerationQuerySet) -> int:
    """Show hidden jobs again, as they were; return how many. What was deleted stays deleted."""
    return jobs.filter(deleted_at=None, hidden_at__isnull=False).update(hidden_at=None)


def end_hidden(limit: int = CLEAR_MAX) -> int:
    """Delete up to `limit` jobs that were hidden a day ago; return how many."""
    before = timezone.now() - UNDO_AGE
    old = Generation.objects.filter(deleted_at=None, hidden_at__lt=before)
    jobs = old.order_by("hidden_at")[:limit]
    return sum(delete_generation(job, hidden_before=before) for job in jobs)


def delete_generation(generation: Generation, *, hidden_before: datetime | None = None) -> bool:
    """Take a finished job out of its account's sight and let its files go; its money stays.

    The picture goes too when no other job that was not deleted uses it. Returns False when the
    job was deleted before, or is not hidden any more since `hidden_before`. Raises StillRunning.
    """
    with transaction.atomic():
        # Of this row alone: the picture's is locked below, the account's belongs to others.
        job = Generation.objects.select_for_update(of=("self",)).get(pk=generation.pk)
        if not job.is_finished:
            raise StillRunning
        if job.deleted_at is not None:
            return False
        if hidden_before and not (job.hidden_at and job.hidden_at < hidden_before):
            return False
        discard(getattr(job, part) for part in PARTS)
        Generation.objects.filter(pk=job.pk).update(
            deleted_at=timezone.now(), share_word="", **dict.fromkeys(PARTS, "")
        )
        # In one order for all: two jobs may share their pictures.
        for upload_id in sorted({one for one in (job.upload_id, job.last_frame_id) if one}):
            _let_go_of_picture(upload_id)
    return True


def end_tests(limit: int = CLEAR_MAX) -> int:
    """Delete up to `limit` test jobs that ended a week ago; return how many."""
    old = Generation.objects.filter(
        test=True, deleted_at=None, finished_at__lt=timezone.now() - TEST_AGE
    )
    return sum(delete_generation(job) for job in old.order_by("finished_at", "id")[:limit])


def _let_go_of_picture(upload_id: uuid.UUID) -> None:
    # A new job with this picture waits for the lock, or has been counted.
    upload = Upload.objects.select_for_update().get(pk=upload_id)
    if not Generation.objects.filter(upload=upload, deleted_at=None).exists():
        discard([upload.file])
        upload.file = ""
        upload.save(update_fields=["file"])


def orphans(now: datetime) -> Iterator[str]:
    """Yield the films' files that no job names and that are older than a day.

    A process that died between keeping a film and settling its job leaves some.
    """
    old = (
        file.name
        for file in media.storage().walk(FILMS)
        if file.changed < now - ORPHAN_AGE and _job_of(file.name)
    )
    while batch := list(islice(old, ORPHANS_AT_ONCE)):
        jobs = Generation.objects.filter(pk__in={_job_of(name) for name in batch})
        named = {name for names in jobs.values_list(*PARTS) for name in names}
        yield from (name for name in batch if name not in named)


def sweep() -> int:
    """Remove all orphans and return how many were found; what cannot be removed stays noted."""
    found, everything = 0, orphans(timezone.now())
    while batch := list(islice(everything, CLEAR_MAX)):
        discard(batch)
        clear()
        found += len(batch)
    return found


def _job_of(name: str) -> uuid.UUID | None:
    """Return the id of the job in "films/<id>/<file>", None for a file that is not ours."""
    try:
        return uuid.UUID(name.split("/")[1])
    except (IndexError, ValueError):
        return None
