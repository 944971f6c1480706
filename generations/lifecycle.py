"""The life of a job, from request to video or refund: the only writer of its status.

A status changes by a conditional UPDATE that counts its rows: whoever gets the 1 has won, and
everyone else finds the job elsewhere and returns. Money moves in the same transaction.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Min, Q
from django.utils import timezone

from accounts.models import Account, ApiKey, User
from billing import caps, ledger, topup
from generations import failures, orders, pricing, wakeups
from generations.announcing import announce_end
from generations.catalog import Model
from generations.idempotency import Once
from generations.models import Generation, Submission, Upload
from generations.orders import Order
from generations.storage import Film

logger = logging.getLogger(__name__)

Status = Generation.Status
Outcome = Submission.Outcome

# A submission that got lost is repeated once; the second time the job ends.
DOUBTS_MAX = 2
# The upstream shows seven days; a day less is safe from two clocks.
HISTORY = timedelta(days=6)

# Job and submission change in one statement, which is one round trip: somebody waits for these.
_START_SUBMIT = """
WITH moved AS (
    UPDATE generations_generation
    SET status = 'submitting', status_since = %(now)s, upstream_image = %(image)s
    WHERE id = %(id)s AND status = 'created' AND leased_by IS NOT DISTINCT FROM %(worker)s
      AND (leased_by IS NULL OR lease_until > %(now)s)
    RETURNING id
)
INSERT INTO generations_submission (generation_id, sent_at, outcome)
SELECT id, %(now)s, 'sent' FROM moved
"""
_ACCEPT = """
WITH moved AS (
    UPDATE generations_generation
    SET status = 'processing', status_since = %(now)s, upstream_id = %(upstream_id)s,
        submitted_at = %(now)s, absent_since = NULL, due_at = %(due_at)s, lease_until = NULL
    WHERE id = %(id)s AND status IN ('created', 'submitting', 'in_doubt')
    RETURNING id
), noted AS (
    UPDATE generations_submission SET outcome = 'accepted' WHERE id = (
        SELECT sent.id FROM generations_submission AS sent
        JOIN moved ON moved.id = sent.generation_id
        WHERE outcome IN ('sent', 'in_doubt') ORDER BY sent.id DESC LIMIT 1
    )
)
SELECT FROM moved
"""


def draft(
    account: Account,
    model: Model,
    inputs: Mapping[str, Any],
    *,
    user_id: int | None = None,
    api_key: ApiKey | None = None,
    upload: Upload | None = None,
    webhook: str = "",
) -> Generation:
    """Return the job as it will be, with its price; nothing is written.

    `inputs` come from `model.clean`, `webhook` from `webhooks.checked`.
    """
    now = timezone.now()
    return Generation(
        account=account,
        test=account.is_test,
        user_id=user_id,
        api_key=api_key,
        model=model.id,
        inputs=dict(inputs),
        price_micros=pricing.quote(model, inputs),
        upload=upload,
        webhook=webhook,
        status_since=now,
        due_at=now,
        created_at=now,
    )


def begin(generation: Generation, once: Once | None = None) -> dict[str, Any] | None:
    """Hold the price of a draft and create the job, all or nothing.

    Of requests with the same Idempotency-Key the first creates a job; for the others its answer
    is returned. Raises ledger.InsufficientCredit, ledger.AccountFrozen, caps.CapReached or
    idempotency.NameTaken, and then leaves no trace.
    """
    kept_answer, top_up = orders.place(Order(generation, once))
    if kept_answer is None:
        wakeups.wake_driver()
    if top_up:
        topup.wake(generation.account)
    return kept_answer


def request(
    account: Account,
    model: Model,
    inputs: Mapping[str, Any],
    *,
    user: User | None = None,
    api_key: ApiKey | None = None,
    upload: Upload | None = None,
    webhook: str = "",
) -> Generation:
    """Draft a job and begin it. Raises what `begin` raises."""
    generation = draft(
        account,
        model,
        inputs,
        user_id=user.pk if user else None,
        api_key=api_key,
        upload=upload,
        webhook=webhook,
    )
    begin(generation)
    return generation


def keep_picture(generation: Generation, upload: Upload) -> None:
    """Note the first frame that was fetched and judged."""
    Generation.objects.filter(pk=generation.pk).update(upload=upload)
    generation.upload = upload


def start_submit(generation: Generation, upstream_image: str) -> bool:
    """Claim the one submission, before the POST; False when somebody else has.

    From here on the upstream may have the job, whatever happens to this process. So one that
    slept through its lease must not go on: the job may be another's by now.
    """
    figures: dict[str, Any] = {
        "now": timezone.now(),
        "image": upstream_image,
        "id": generation.pk,
        "worker": generation.leased_by,
    }
    with connection.cursor() as cursor:
        cursor.execute(_START_SUBMIT, figures)
        moved = bool(cursor.rowcount == 1)
    if moved:
        generation.status = Status.SUBMITTING
    generation.upstream_image = upstream_image
    return moved


def accept(generation: Generation, upstream_id: str, poll_after: timedelta) -> bool:
    """Note that the upstream has the job; one that waits to be sent once more, is not sent.

    False also when that is what another job of ours has: then the upstream has this one as
    something else, or not at all, and its lease ends in doubt.
    """
    now = timezone.now()
    figures: dict[str, Any] = {
        "now": now,
        "upstream_id": upstream_id,
        "due_at": now + poll_after,
        "id": generation.pk,
    }
    # By itself the statement is a transaction; within another it must not spoil that.
    guard = transaction.atomic() if connection.in_atomic_block else nullcontext()
    try:
        with guard, connection.cursor() as cursor:
            cursor.execute(_ACCEPT, figures)
            moved = bool(cursor.rowcount == 1)
    except IntegrityError:
        logger.warning("Upstream's %s is another's already, not of job %s", upstream_id, generation)
        return False
    if moved:
        generation.status = Status.PROCESSING
    return moved


def unclaimed(upstream_ids: Sequence[str]) -> list[str]:
    """Return those of the upstream's jobs that no job of ours has, in the same order."""
    ours = Generation.objects.filter(upstream_id__in=upstream_ids)
    known = set(ours.values_list("upstream_id", flat=True))
    return [one for one in upstream_ids if one not in known]


def put_back(generation: Generation, after: timedelta, note: str) -> bool:
    """Let a job wait that the upstream certainly did not take.

    Unless another has claimed it since: what that one sent, the upstream may well take.
    """
    with transaction.atomic():
        moved = _move(
            generation,
            [Status.CREATED, Status.SUBMITTING],
            Status.CREATED,
            Q(leased_by=generation.leased_by),
            status_since=generation.created_at,
            attempts=generation.attempts + 1,
            operator_note=note[:500],
            **_due(after),
        )
        if moved:
            _note_outcome(generation, Outcome.TURNED_AWAY, [Outcome.SENT])
    return moved


def doubt(generation: Generation, after: timedelta, note: str) -> bool:
    """Note that nobody knows whether the upstream has the job."""
    with transaction.atomic():
        moved = _move(
            generation,
            [Status.SUBMITTING],
            Status.IN_DOUBT,
            operator_note=note[:500],
            absent_since=None,
            **_due(after),
        )
        if moved:
            _note_outcome(generation, Outcome.IN_DOUBT, [Outcome.SENT])
    return moved


def note_absence(generation: Generation, after: timedelta) -> None:
    """Note that the upstream's whole history shows nothing of a job in doubt; look again later."""
    now = timezone.now()
    Generation.objects.filter(
        pk=generation.pk, status=Status.IN_DOUBT, leased_by=generation.leased_by
    ).update(
        absent_since=generation.absent_since or now,
        attempts=generation.attempts + 1,
        **_due(after),
    )


def first_sent_at(generations: Collection[Generation]) -> datetime:
    """Return when the first of these jobs was sent: as far back the history must be read."""
    sent = Submission.objects.filter(generation__in=generations).aggregate(first=Min("sent_at"))
    return min(sent["first"] or timezone.now(), *(job.status_since for job in generations))


def may_submit_again(generation: Generation) -> bool:
    """Tell whether a job in doubt was absent for so long, and only once, that it may be resent."""
    since, now = generation.absent_since, timezone.now()
    if since is None or now - since < timedelta(seconds=settings.ABSENCE_SECONDS):
        return False
    doubts = generation.submissions.filter(outcome=Outcome.IN_DOUBT)
    # What was sent before the history begins can be absent from it and yet be paid.
    return doubts.count() < DOUBTS_MAX and not doubts.filter(sent_at__lt=now - HISTORY).exists()


def submit_again(generation: Generation) -> bool:
    """Let a job wait for a place once more, whose submission the upstream never got.

    Unless another has claimed it since, who may have sent it once more already.
    """
    return _move(
        generation,
        [Status.IN_DOUBT],
        Status.CREATED,
        Q(leased_by=generation.leased_by),
        status_since=generation.created_at,
        absent_since=None,
        operator_note="sent once more: the history shows nothing of it",
        **_due(timedelta()),
    )


def postpone(generation: Generation, after: timedelta) -> None:
    """Look again later; the status stays. It says nothing of a job that is another's by now."""
    Generation.objects.filter(
        pk=generation.pk, status=generation.status, leased_by=generation.leased_by
    ).update(attempts=generation.attempts + 1, **_due(after))


def fetch_later(generation: Generation, after: timedelta) -> None:
    """Note that the film is ready upstream and could not be fetched; try again later."""
    Generation.objects.filter(pk=generation.pk, fetching_since=None).update(
        fetching_since=timezone.now()
    )
    postpone(generation, after)


def make_due(generation_id: str, upstream_id: str = "") -> bool:
    """Have a job looked at now, because the upstream says something happened.

    `upstream_id` is what the upstream itself calls the job, if it said so: that settles a doubt.
    """
    with transaction.atomic():
        found = Generation.objects.unfinished().filter(pk=generation_id)
        if found.update(due_at=timezone.now()) != 1:
            return False
        if upstream_id and not Generation.objects.filter(upstream_id=upstream_id).exists():
            accept(found.get(), upstream_id, timedelta())
        wakeups.wake_driver()
    return True


def finish(generation: Generation, film: Film) -> bool:
    """Complete the job with a video that is in our storage, and charge for its seconds."""
    asked = generation.inputs["duration"]
    returned = pricing.shortfall(generation.price_micros, asked, film.duration_ms)
    short = failures.came_out_shorter(asked - pricing.whole_seconds(film.duration_ms))
    with transaction.atomic():
        finished = _move(
            generation,
            [Status.PROCESSING],
            Status.COMPLETED,
            finished_at=timezone.now(),
            lease_until=None,
            shortfall_micros=returned,
            operator_note=short if returned else generation.operator_note,
            **asdict(film),
        )
        if finished:
            # Its place upstream is free for another.
            wakeups.say()
            ledger.capture(generation.hold_reference)
        if finished and returned:
            memo = f"{generation.memo} · {short}"
            ledger.give_back(generation.hold_reference, returned, memo)
            caps.give_back(generation.api_key_id, returned, generation.created_at)
        if finished:
            announce_end(generation)
    return finished


def cancel(generation: Generation) -> bool:
    """End a job that still waits, because its customer wants that, and give the price back.

    False once it is on its way upstream. It may hold a place: then whoever was to submit it finds
    that it waits no more.
    """
    return fail(generation, failures.CANCELLED, out_of=[Status.CREATED])


def fail(
    generation: Generation,
    failure: failures.Failure,
    note: str = "",
    *,
    out_of: Collection[Status] = Generation.UNFINISHED,
) -> bool:
    """End the job without a video and give the whole price back; False when it is not `out_of`."""
    with transaction.atomic():
        failed = _move(
            generation,
            out_of,
            Status.FAILED,
            finished_at=timezone.now(),
            lease_until=None,
            error_code=failure.code,
            error=failure.sentence,
            operator_note=(note or generation.operator_note)[:500],
        )
        if failed:
            wakeups.say()
            _note_outcome(generation, Outcome.REFUSED, [Outcome.SENT])
            ledger.release(generation.hold_reference)
            caps.give_back(generation.api_key_id, generation.price_micros, generation.created_at)
            announce_end(generation)
    return failed


def _move(
    generation: Generation,
    old: Collection[Generation.Status],
    new: Generation.Status,
    only: Q | None = None,
    **changes: Any,
) -> bool:
    changes.setdefault("status_since", timezone.now())
    rows = Generation.objects.filter(only or Q(), pk=generation.pk, status__in=old)
    moved = rows.update(status=new, **changes) == 1
    if moved:
        generation.status = new
    return moved


def _note_outcome(generation: Generation, outcome: Outcome, of: Collection[Outcome]) -> None:
    """Write what came of the job's last submission, if that is one of these so far."""
    last = generation.submissions.filter(outcome__in=of).order_by("-id").values("pk")[:1]
    Submission.objects.filter(pk__in=last).update(outcome=outcome)


def _due(after: timedelta) -> dict[str, Any]:
    return {"due_at": timezone.now() + after, "lease_until": None}
