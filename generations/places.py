"""Places upstream: which waiting job may be submitted next, and when nobody may.

The upstream limits how many jobs run at once and how many are submitted a minute, for all our
machines together. So places are dealt in one transaction that locks the one row of UpstreamState.
The account with the fewest running goes first, and among equals the one served longest ago. What
an account may run itself (config.limits) holds as well.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing import notices
from config import statements
from generations import claims
from generations.models import Generation, GenerationQuerySet, Submission, UpstreamState

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

_KNOWN = """
SELECT trouble, ceiling, ceiling_at, EXISTS (
    SELECT FROM generations_generation
    WHERE NOT test AND status = 'created' AND due_at <= %(now)s
      AND (lease_until IS NULL OR lease_until < %(now)s)
)
FROM generations_upstreamstate WHERE id = 1
"""
# One at a time deals places, whichever machine it is on.
_LOCK = "SELECT FROM generations_upstreamstate WHERE id = 1 FOR UPDATE"
# Waiting jobs stand in the order in which they get a place. A job's turn is its place in its own
# account's line after what the account has running already, so that shares stay equal. Among
# equal turns the lower place goes first, for its account was served longer ago: so a deal of many
# places at once is the same as one by one. Above what its account may run, a job goes on waiting.
# That one still waits is asked again in the UPDATE: a driver may have come to give it up. Who was
# served is noted in order: a microsecond apart is enough to tell.
_DEAL = """
WITH free AS (
    SELECT CASE WHEN trouble = '' OR %(probe)s::boolean THEN least(
        %(limit)s::bigint,
        %(most)s::bigint - (
            SELECT count(*) FROM generations_generation
            WHERE %(most)s::bigint IS NOT NULL AND NOT test
              AND (status IN ('submitting', 'in_doubt', 'processing')
                   OR (status = 'created' AND lease_until >= %(now)s))
        ),
        %(per_minute)s::bigint - (
            SELECT count(*) FROM generations_submission
            WHERE %(per_minute)s::bigint IS NOT NULL AND sent_at > %(minute_ago)s
        ) - (
            SELECT count(*) FROM generations_generation
            WHERE %(per_minute)s::bigint IS NOT NULL AND NOT test
              AND status = 'created' AND lease_until >= %(now)s
        )
    ) ELSE 0 END AS places
    FROM generations_upstreamstate WHERE id = 1
), waiting AS (
    SELECT DISTINCT account_id FROM generations_generation
    WHERE NOT test AND status = 'created' AND due_at <= %(now)s
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
        ORDER BY created_at, id LIMIT %(limit)s::bigint
    ) AS job
), next AS (
    SELECT line.id, row_number() OVER (
        ORDER BY coalesce(busy.running, 0) + line.nth, line.nth,
                 turn.served_at NULLS FIRST, account_id
    ) AS place
    FROM line JOIN allowed USING (account_id)
              LEFT JOIN busy USING (account_id)
              LEFT JOIN generations_turn AS turn USING (account_id)
    WHERE coalesce(busy.running, 0) + line.nth <= allowed.jobs
), given AS (
    UPDATE generations_generation AS job
    SET leased_by = %(worker)s::uuid, lease_until = %(lease_until)s
    FROM next
    WHERE job.id = next.id AND place <= (SELECT places FROM free)
      AND status = 'created' AND due_at <= %(now)s
      AND (lease_until IS NULL OR lease_until < %(now)s)
    RETURNING job.id, account_id, place
), served AS (
    INSERT INTO generations_turn (account_id, served_at)
    SELECT account_id, %(now)s + max(place) * interval '1 microsecond'
    FROM given GROUP BY account_id
    ON CONFLICT (account_id) DO UPDATE SET served_at = excluded.served_at
)
SELECT id FROM given ORDER BY place
"""


class _Memory:
    """Whether this process knows of trouble: its claims read it, so that nobody else need ask."""

    trouble = True


def claim(limit: int, worker: UUID | None = None) -> list[Generation]:
    """Give up to `limit` waiting jobs a place and this worker's lease; return them in turn.

    A place is taken from here on, although the POST is still to come.
    """
    now = timezone.now()
    rows = statements.rows(_KNOWN, {"now": now})
    if not rows:
        UpstreamState.objects.bulk_create([UpstreamState()], ignore_conflicts=True)
        return claim(limit, worker)
    trouble, learnt, learnt_at, anybody_waits = rows[0]
    _Memory.trouble = bool(trouble)
    if not anybody_waits:
        return []
    known = UpstreamState(trouble=trouble, ceiling=learnt, ceiling_at=learnt_at)
    most = ceiling(known, now)
    given = _probe(now, worker, most) if known.trouble else _deal(now, limit, worker, most)
    jobs = Generation.objects.filter(pk__in=given, leased_by=worker, status=Status.CREATED)
    by_id = {job.pk: job for job in jobs.select_related("upload")}
    return [by_id[pk] for pk in given if pk in by_id]


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
        _Memory.trouble = True
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
    if not _Memory.trouble:
        return
    with transaction.atomic():
        known = _locked()
        _Memory.trouble = False
        if not known.trouble:
            return
        logger.warning("Submitting goes on. Over: %s.", known)
        if known.told_at is not None:
            notices.tell_operator("Submitting goes on", f"Over: {known}. Waiting jobs go on.")
        known.trouble, known.trouble_since, known.told_at = Trouble.NONE, None, None
        known.trouble_note, known.probes, known.probe_at = "", 0, None
        known.save()
        waiting = Generation.objects.filter(status=Status.CREATED, test=False, attempts__gt=0)
        waiting.update(due_at=timezone.now())


def _locked() -> UpstreamState:
    row = UpstreamState.objects.select_for_update().filter(pk=1)
    known = row.first()
    if known is None:
        UpstreamState.objects.bulk_create([UpstreamState()], ignore_conflicts=True)
        known = row.get()
    return known


def _probe(now: datetime, worker: UUID | None, most: int) -> list[UUID]:
    """Let one job try whether the trouble is over, if it is time and no other is trying."""
    trying = Q(status=Status.CREATED, lease_until__gte=now) | Q(
        status=Status.SUBMITTING, lease_until__gte=now
    )
    with transaction.atomic():
        known = _locked()
        waits = known.probe_at is not None and known.probe_at > now
        if known.trouble and (waits or Generation.objects.filter(trying, test=False).exists()):
            return []
        given = _deal(now, 1, worker, most, probe=True)
        if given and known.trouble:
            _note_probe(known, now)
    return given


def _deal(
    now: datetime, limit: int, worker: UUID | None, most: int, *, probe: bool = False
) -> list[UUID]:
    """Give waiting jobs places and return their ids in turn; none in trouble, unless to probe."""
    figures = {
        "now": now,
        "limit": limit,
        "probe": probe,
        "most": most if most < UNLIMITED else None,
        "per_minute": settings.WAVESPEED_PER_MINUTE or None,
        "minute_ago": now - MINUTE,
        "paid": [tier.paid_micros for tier in settings.LIMITS],
        "jobs": [tier.running_jobs for tier in settings.LIMITS],
        "worker": worker,
        "lease_until": now + claims.lease(),
    }
    return [pk for (pk,) in statements.rows_under(_LOCK, _DEAL, figures)]


def _running() -> GenerationQuerySet:
    return Generation.objects.filter(
        status__in=[Status.SUBMITTING, Status.IN_DOUBT, Status.PROCESSING], test=False
    )


def _note_probe(known: UpstreamState, now: datetime) -> None:
    first, most = PROBE_SECONDS
    wait = min(most, first * 2 ** min(known.probes, 10))
    known.probes += 1
    known.probe_at = now + timedelta(seconds=wait)
    known.save(update_fields=["probes", "probe_at"])
