"""The life of a job, from request to video or refund: the only writer of its status.

A status changes by a conditional UPDATE that counts its rows: whoever gets the 1 has won, and
everyone else finds the job elsewhere and returns. Money moves in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from accounts.models import Account, ApiKey, User
from billing import ledger, topup
from generations import failures, pricing
from generations.catalog import Model
from generations.models import Generation, Upload
from generations.storage import Film

Status = Generation.Status

# Longer than any single step may take, so that nobody claims a job that is being worked on.
LEASE = timedelta(seconds=180)
WAKE_TASK = "generations.tasks.drive"


def request(
    account: Account,
    model: Model,
    inputs: Mapping[str, Any],
    *,
    user: User | None = None,
    api_key: ApiKey | None = None,
    upload: Upload | None = None,
) -> Generation:
    """Hold the price and create the job, in one transaction.

    `inputs` come from `model.clean`. Raises ledger.InsufficientCredit, and then leaves no trace.
    """
    generation = Generation(
        account=account,
        user=user,
        api_key=api_key,
        model=model.id,
        inputs=dict(inputs),
        price_micros=pricing.quote(model, inputs),
        upload=upload,
    )
    with transaction.atomic():
        ledger.hold(
            account,
            generation.price_micros,
            reference=generation.hold_reference,
            memo=generation.memo,
        )
        generation.save(force_insert=True)
        wake_driver()
        topup.wake(account)
    return generation


def wake_driver() -> None:
    """Ask a worker to look for due jobs; losing or repeating the call changes nothing.

    Call it inside the transaction that makes a job due.
    """
    if settings.REDIS_URL:
        # Redis knows nothing of our transaction: woken earlier, the driver would see no job.
        transaction.on_commit(_enqueue)
    else:
        _enqueue()


def _enqueue() -> None:
    async_task(WAKE_TASK)  # type: ignore[no-untyped-call]  # django-q2 has no types


def claim(limit: int) -> list[Generation]:
    """Claim up to `limit` due jobs for one lease and return them, longest due first."""
    now = timezone.now()
    with transaction.atomic():
        due = Generation.objects.due(now).order_by("due_at", "id")[:limit]
        claimed = list(due.select_for_update(skip_locked=True, of=("self",)))
        Generation.objects.filter(pk__in=[job.pk for job in claimed]).update(
            lease_until=now + LEASE
        )
    return claimed


def keep_picture(generation: Generation, upload: Upload) -> None:
    """Note the first frame that was fetched and judged."""
    Generation.objects.filter(pk=generation.pk).update(upload=upload)
    generation.upload = upload


def start_submit(generation: Generation, upstream_image: str) -> bool:
    """Claim the one submission, before the POST; False when somebody else has.

    From here on the upstream may have the job, whatever happens to this process.
    """
    moved = _move(generation, [Status.CREATED], Status.SUBMITTING, upstream_image=upstream_image)
    generation.upstream_image = upstream_image
    return moved


def accept(generation: Generation, upstream_id: str, poll_after: timedelta) -> bool:
    """Note that the upstream has the job."""
    return _move(
        generation,
        [Status.SUBMITTING, Status.IN_DOUBT],
        Status.PROCESSING,
        upstream_id=upstream_id,
        submitted_at=timezone.now(),
        **_due(poll_after),
    )


def put_back(generation: Generation, after: timedelta, note: str) -> bool:
    """Let a job wait that the upstream certainly did not take."""
    return _move(
        generation,
        [Status.CREATED, Status.SUBMITTING],
        Status.CREATED,
        status_since=generation.created_at,
        attempts=generation.attempts + 1,
        operator_note=note[:500],
        **_due(after),
    )


def doubt(generation: Generation, after: timedelta, note: str) -> bool:
    """Note that nobody knows whether the upstream has the job."""
    return _move(
        generation,
        [Status.SUBMITTING],
        Status.IN_DOUBT,
        operator_note=note[:500],
        **_due(after),
    )


def postpone(generation: Generation, after: timedelta) -> None:
    """Look again later; the status stays."""
    Generation.objects.filter(pk=generation.pk, status=generation.status).update(
        attempts=generation.attempts + 1, **_due(after)
    )


def make_due(generation_id: str) -> bool:
    """Have a job looked at now, because the upstream says something happened."""
    with transaction.atomic():
        found = Generation.objects.unfinished().filter(pk=generation_id)
        if found.update(due_at=timezone.now()) != 1:
            return False
        wake_driver()
    return True


def finish(generation: Generation, film: Film) -> bool:
    """Complete the job with a video that is in our storage, and charge for it."""
    with transaction.atomic():
        finished = _move(
            generation,
            [Status.PROCESSING],
            Status.COMPLETED,
            finished_at=timezone.now(),
            lease_until=None,
            **asdict(film),
        )
        if finished:
            ledger.capture(generation.hold_reference)
    return finished


def fail(generation: Generation, failure: failures.Failure, note: str = "") -> bool:
    """End the job without a video and give the whole price back."""
    with transaction.atomic():
        failed = _move(
            generation,
            list(Generation.UNFINISHED),
            Status.FAILED,
            finished_at=timezone.now(),
            lease_until=None,
            error_code=failure.code,
            error=failure.sentence,
            operator_note=(note or generation.operator_note)[:500],
        )
        if failed:
            ledger.release(generation.hold_reference)
    return failed


def _move(
    generation: Generation, old: list[Generation.Status], new: Generation.Status, **changes: Any
) -> bool:
    changes.setdefault("status_since", timezone.now())
    rows = Generation.objects.filter(pk=generation.pk, status__in=old)
    moved = rows.update(status=new, **changes) == 1
    if moved:
        generation.status = new
    return moved


def _due(after: timedelta) -> dict[str, Any]:
    return {"due_at": timezone.now() + after, "lease_until": None}
