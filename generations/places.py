"""Places upstream: which waiting job may be submitted next, and when nobody may.

The upstream limits how many jobs run at once and how many are submitted a minute, for all our
machines together. So places are dealt in one transaction that locks the one row of UpstreamState.
The account with the fewest running goes first, and among equals the one served longest ago. What
an account may run itself (config.limits) holds as well.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from billing import notices
from generations import claims
from generations.models import Generation, GenerationQuerySet, Submission, Turn, UpstreamState

logger = logging.getLogger(__name__)

Status = Generation.Status
Trouble = UpstreamState.Trouble

# A POST may arrive a little after it was noted: our minute is longer than the upstream's.
MINUTE = timedelta(seconds=65)
# After a 429 the learnt ceiling rises again each time this has passed: by a tenth, at least by one.
CEILING_GROWS_AFTER = timedelta(seconds=5)
CEILING_STEPS_MAX = 200
PROBE_SECONDS = (1.0, 10.0) if settings.SANDBOX else (5.0, 60.0)
# That the upstream does not answer once is no news; money and keys do not mend themselves.
PROBES_BEFORE_WORD = {Trouble.DOWN: 3, Trouble.MONEY: 0, Trouble.KEY: 0}
DOUBTS_IN_A_ROW = 5
UNLIMITED = 1_000_000

# Waiting jobs in the order in which they get a place. A job's turn is its place in its own
# account's line after what the account has running already, so that shares stay equal. Among
# equal turns the lower place goes first, for its account was served longer ago: so a deal of many
# places at once is the same as one by one. Above what its account may run, a job goes on waiting.
_LINE = """
WITH waiting AS (
    SELECT DISTINCT account_id FROM generations_generation
    WHERE status = 'created' AND due_at <= %(now)s
      AND (lease_until IS NULL OR lease_until < %(now)s)
), allowed AS (
    SELECT account_id, (
        SELECT jobs FROM unnest(%(paid)s::bigint[], %(jobs)s::bigint[]) AS tier (paid, jobs)
        WHERE paid <= greatest(0, paid_micros) ORDER BY paid DESC LIMIT 1
    ) AS jobs
    FROM waiting JOIN accounts_account AS account ON account.id = account_id
), busy AS (
    SELECT account_id, count(*) AS running
    FROM generations_generation JOIN waiting USING (account_id)
    WHERE status IN ('submitting', 'in_doubt', 'processing')
       OR (status = 'created' AND lease_until >= %(now)s)
    GROUP BY account_id
), line AS (
    SELECT job.id, account_id,
           row_number() OVER (PARTITION BY account_id ORDER BY job.created_at, job.id) AS nth
    FROM waiting CROSS JOIN LATERAL (
        SELECT id, created_at FROM generations_generation
        WHERE account_id = waiting.account_id AND status = 'created' AND due_at <= %(now)s
          AND (lease_until IS NULL OR lease_until < %(now)s)
        ORDER BY created_at, id LIMIT %(limit)s
    ) AS job
)
SELECT line.id
FROM line JOIN allowed USING (account_id)
          LEFT JOIN busy USING (account_id)
          LEFT JOIN generations_turn AS turn USING (account_id)
WHERE coalesce(busy.running, 0) + line.nth <= allowed.jobs
ORDER BY coalesce(busy.running, 0) + line.nth, line.nth, turn.served_at NULLS FIRST, account_id
LIMIT %(limit)s
"""


def claim(limit: int, worker: UUID | None = None) -> list[Generation]:
    """Give up to `limit` waiting jobs a place and this worker's lease; return them in turn.

    A place is taken from here on, although the POST is still to come.
    """
    now = timezone.now()
    if not _anyone_waiting(now):
        return []
    with transaction.atomic():
        known = _locked()
        free = min(limit, _free(known, now))
        ids = _next_in_line(now, free) if free > 0 else []
        # Asked again in the UPDATE: a driver may have come to give up one that waited too long.
        still_free = Generation.objects.due(now).filter(pk__in=ids, status=Status.CREATED)
        still_free.update(leased_by=worker, lease_until=now + claims.lease())
        jobs = Generation.objects.filter(pk__in=ids, leased_by=worker, lease_until__gt=now)
        if ids and known.trouble:
            _note_probe(known, now)
        by_id = {job.pk: job for job in jobs.select_related("account", "upload")}
        chosen = [by_id[pk] for pk in ids if pk in by_id]
        _note_turns(chosen, now)
    return chosen


def state() -> UpstreamState:
    """Return what is known of the upstream; a fresh row where nothing is known yet."""
    return UpstreamState.objects.filter(pk=1).first() or UpstreamState()


def ceiling(known: UpstreamState, now: datetime) -> int:
    """Return how many jobs may run upstream at once: our tier's limit, less what 429 taught."""
    most = settings.WAVESPEED_CONCURRENCY or UNLIMITED
    if known.ceiling is None or known.ceiling_at is None:
        return most
    learnt, steps = known.ceiling, (now - known.ceiling_at) // CEILING_GROWS_AFTER
    for _ in range(min(steps, CEILING_STEPS_MAX)):
        learnt += max(1, learnt // 10)
    return min(most, learnt)


def lower_ceiling() -> None:
    """Learn from a 429: what the upstream has now is what it takes.

    Not less than half of what it took before, though: jobs end all the time, so a 429 while few
    run tells little, and one after the other would lower the ceiling to nothing.
    """
    with transaction.atomic():
        known, now = _locked(), timezone.now()
        taken = _running().exclude(status=Status.SUBMITTING).count()
        before = 0 if known.ceiling is None else ceiling(known, now)
        known.ceiling = max(1, taken, before // 2)
        known.ceiling_at = now
        known.save(update_fields=["ceiling", "ceiling_at"])


def note_trouble(trouble: Trouble, note: str) -> None:
    """Pause all submitting but a probe now and then; tell the operator once per spell."""
    with transaction.atomic():
        known, now = _locked(), timezone.now()
        if known.trouble != trouble:
            known.trouble, known.trouble_since = trouble, now
            known.probes, known.told_at = 0, None
            known.probe_at = now + timedelta(seconds=PROBE_SECONDS[0])
            logger.warning("Submitting pauses: %s. %s", known, note)
        known.trouble_note = note[:500]
        if known.told_at is None and known.probes >= PROBES_BEFORE_WORD[trouble]:
            known.told_at = now
            notices.tell_operator(
                f"Submitting is paused: {known}",
                f"Since {known.trouble_since:%Y-%m-%d %H:%M} UTC {known}. Jobs wait, and go on by "
                f"themselves when it is over.\n\n{note}",
            )
        known.save()


def note_doubt(note: str) -> None:
    """Pause when one submission after the other ends in doubt: the upstream must be down."""
    last = Submission.objects.order_by("-sent_at", "-id").values_list("outcome", flat=True)
    if list(last[:DOUBTS_IN_A_ROW]) == [Submission.Outcome.IN_DOUBT] * DOUBTS_IN_A_ROW:
        note_trouble(Trouble.DOWN, note)


def end_trouble() -> None:
    """Go on after trouble: everyone who was put back is due again."""
    if not UpstreamState.objects.exclude(trouble=Trouble.NONE).exists():
        return
    with transaction.atomic():
        known = _locked()
        logger.warning("Submitting goes on. Over: %s.", known)
        if known.told_at is not None:
            notices.tell_operator("Submitting goes on", f"Over: {known}. Waiting jobs go on.")
        known.trouble, known.trouble_since, known.told_at = Trouble.NONE, None, None
        known.trouble_note, known.probes, known.probe_at = "", 0, None
        known.save()
        waiting = Generation.objects.filter(status=Status.CREATED, attempts__gt=0)
        waiting.update(due_at=timezone.now())


def _locked() -> UpstreamState:
    row = UpstreamState.objects.select_for_update().filter(pk=1)
    known = row.first()
    if known is None:
        UpstreamState.objects.bulk_create([UpstreamState()], ignore_conflicts=True)
        known = row.get()
    return known


def _anyone_waiting(now: datetime) -> bool:
    return Generation.objects.due(now).filter(status=Status.CREATED).exists()


def _free(known: UpstreamState, now: datetime) -> int:
    """Return how many places there are. Jobs that hold a lease but no answer yet have one too."""
    on_their_way = Q(status=Status.CREATED, lease_until__gte=now)
    if known.trouble:
        waits = known.probe_at is not None and known.probe_at > now
        under_way = on_their_way | Q(status=Status.SUBMITTING, lease_until__gte=now)
        return 0 if waits or Generation.objects.filter(under_way).exists() else 1
    free = UNLIMITED
    most = ceiling(known, now)
    if most < UNLIMITED:
        taken = _running() | Generation.objects.filter(on_their_way)
        free = most - taken.count()
    if settings.WAVESPEED_PER_MINUTE:
        # In this order: one that is sent between the two counts is counted twice, not never.
        coming = Generation.objects.filter(on_their_way).count()
        sent = Submission.objects.filter(sent_at__gt=now - MINUTE).count()
        free = min(free, settings.WAVESPEED_PER_MINUTE - sent - coming)
    return max(0, free)


def _running() -> GenerationQuerySet:
    return Generation.objects.filter(
        status__in=[Status.SUBMITTING, Status.IN_DOUBT, Status.PROCESSING]
    )


def _next_in_line(now: datetime, limit: int) -> list[UUID]:
    tiers = {
        "paid": [tier.paid_micros for tier in settings.LIMITS],
        "jobs": [tier.running_jobs for tier in settings.LIMITS],
    }
    with connection.cursor() as cursor:
        cursor.execute(_LINE, {"now": now, "limit": limit, **tiers})
        return [pk for (pk,) in cursor.fetchall()]


def _note_probe(known: UpstreamState, now: datetime) -> None:
    first, most = PROBE_SECONDS
    wait = min(most, first * 2 ** min(known.probes, 10))
    known.probes += 1
    known.probe_at = now + timedelta(seconds=wait)
    known.save(update_fields=["probes", "probe_at"])


def _note_turns(jobs: Iterable[Generation], now: datetime) -> None:
    """Note who was served, in order: a microsecond apart is enough to tell."""
    turns = {
        job.account_id: Turn(account_id=job.account_id, served_at=now + timedelta(microseconds=at))
        for at, job in enumerate(jobs)
    }
    Turn.objects.bulk_create(
        turns.values(),
        update_conflicts=True,
        unique_fields=["account"],
        update_fields=["served_at"],
    )
