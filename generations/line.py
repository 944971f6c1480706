"""The line in front of the upstream, as its customers see it: who is next, and how long it takes.

The order is that of generations.places: a job's turn is what its account has running plus its
place in the account's own line. How many jobs come before one follows from two counts per
account, so nobody's line is listed but one's own, and of the others nothing shows but a number.
"""

import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.limits import tier_of
from generations import pace, places
from generations.models import Generation, UpstreamState
from generations.pace import Pace, Span

Status = Generation.Status

# What was counted is good for this long: a thousand open pages ask no more often than one.
FRESH_SECONDS = 1.0
NEVER = datetime.min.replace(tzinfo=UTC)

# A job that is to be tried again later waits too: when its time comes it is where it was.
_COUNTS = """
SELECT account_id, count(*) FILTER (WHERE waits), count(*) FILTER (WHERE NOT waits), served_at,
       paid_micros
FROM (
    SELECT account_id,
           status = 'created' AND (lease_until IS NULL OR lease_until < %(now)s) AS waits
    FROM generations_generation
    WHERE NOT test AND status IN ('created', 'submitting', 'in_doubt', 'processing')
) AS unfinished JOIN accounts_account AS account ON account.id = account_id
                LEFT JOIN generations_turn AS turn USING (account_id)
GROUP BY account_id, served_at, paid_micros
"""

_OWN_LINE = """
SELECT id, nth FROM (
    SELECT id, row_number() OVER (ORDER BY created_at, id) AS nth
    FROM generations_generation
    WHERE account_id = %(account)s AND status = 'created'
      AND (lease_until IS NULL OR lease_until < %(now)s)
) AS line
WHERE id = ANY(%(wanted)s)
"""


@dataclass(frozen=True)
class Crowd:
    """How many accounts have so many jobs waiting and so many running.

    `goes_first` says whether they come before the account that looks at them among equals.
    """

    accounts: int
    waiting: int
    running: int
    goes_first: bool


@dataclass(frozen=True)
class Place:
    """Where a waiting job stands: how many jobs before it, and when it is likely to start and end.

    The times are None when nothing is known: while submitting is paused, or without any limit.
    """

    before: int
    starts: Span | None
    ends: Span | None


@dataclass(frozen=True)
class Outlook:
    """What can be said of an unfinished job.

    `place` is None once it has one upstream, `ends` when nobody knows; `filled` counts the
    strip's frames, and `late` says that it takes longer than nine of ten did lately.
    """

    place: Place | None
    ends: Span | None
    filled: int
    late: bool


def place_of(generation: Generation) -> Place | None:
    """Return where a waiting job stands in the whole line; None for one that waits no more."""
    return _places(generation.account_id, [generation], pace.lately()).get(generation.pk)


def expected_end(generation: Generation) -> Span | None:
    """Return the time until a job upstream is done; None when it is late or nobody knows."""
    return _ends(generation, pace.lately())


def outlooks(generations: Iterable[Generation]) -> dict[UUID, Outlook]:
    """Return what can be said of the unfinished ones among an account's jobs, by their ids."""
    unfinished = [job for job in generations if not job.is_finished]
    if not unfinished:
        return {}
    lately = pace.lately()
    found = _places(unfinished[0].account_id, unfinished, lately)
    return {job.pk: _outlook(job, found.get(job.pk), lately) for job in unfinished}


def jobs_before(nth: int, running: int, others: Iterable[Crowd]) -> int:
    """Return how many jobs get a place before the `nth` of an account that has so many running."""
    turn = running + nth
    ahead = nth - 1
    for crowd in others:
        sooner = min(crowd.waiting, max(0, turn - crowd.running - 1))
        level = turn - crowd.running
        if 1 <= level <= crowd.waiting:
            sooner += level < nth or (level == nth and crowd.goes_first)
        ahead += crowd.accounts * sooner
    return ahead


@dataclass(frozen=True)
class _Standing:
    # Those that its account's own limit lets run.
    waiting: int
    running: int
    most: int
    # Among equals the lower goes first.
    rank: tuple[datetime, UUID]


@dataclass(frozen=True)
class _Counts:
    standings: dict[UUID, _Standing]
    # The ranks, in order, of the accounts that have so many waiting and so many running.
    alike: dict[tuple[int, int], list[tuple[datetime, UUID]]]
    running: int


def forget() -> None:
    """Have the next question answered from the table as it is."""
    _counts.cache_clear()


@lru_cache(maxsize=1)
def _counts(_moment: float) -> _Counts:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"now": timezone.now()})
        rows = cursor.fetchall()
    standings = {
        account: _standing(waiting, running, paid, (served or NEVER, account))
        for account, waiting, running, served, paid in rows
    }
    alike = defaultdict(list)
    for standing in sorted(standings.values(), key=attrgetter("rank")):
        alike[standing.waiting, standing.running].append(standing.rank)
    return _Counts(standings, alike, sum(one.running for one in standings.values()))


def _standing(waiting: int, running: int, paid: int, rank: tuple[datetime, UUID]) -> _Standing:
    most = tier_of(paid).running_jobs
    return _Standing(min(waiting, max(0, most - running)), running, most, rank)


def _others(counts: _Counts, me: _Standing) -> list[Crowd]:
    """Return the other accounts, counted together where they look alike from here."""
    crowds = []
    for (waiting, running), ranks in counts.alike.items():
        first = bisect_left(ranks, me.rank)
        later = len(ranks) - bisect_right(ranks, me.rank)
        crowds += [Crowd(first, waiting, running, goes_first=True)]
        crowds += [Crowd(later, waiting, running, goes_first=False)]
    return crowds


def _places(account: UUID, jobs: Collection[Generation], lately: Pace) -> dict[UUID, Place]:
    # A test job needs no place upstream, and stands in nobody's way.
    waiting = {job.pk: job for job in jobs if job.status == Status.CREATED and not job.test}
    if not waiting:
        return {}
    asked: dict[str, Any] = {"account": account, "wanted": list(waiting), "now": timezone.now()}
    with connection.cursor() as cursor:
        cursor.execute(_OWN_LINE, asked)
        line: list[tuple[UUID, int]] = cursor.fetchall()
    counts, known = _counts(time.monotonic() // FRESH_SECONDS), places.state()
    me = counts.standings.get(account, _standing(0, 0, 0, (NEVER, account)))
    others = _others(counts, me)
    found = {}
    for pk, nth in line:
        before = jobs_before(nth, me.running, others)
        above = max(0, me.running + nth - me.most)
        own = _after(above, me.most, lately) if above else None
        starts = _starts(before, counts.running, known, lately, own)
        ends = starts + lately.run(waiting[pk]) if starts else None
        found[pk] = Place(before, starts, ends)
    return found


def _after(ends: int, most: int, lately: Pace) -> Span:
    """Return the time until so many jobs have ended, of which so many run at once."""
    each = lately.seconds_per_job / most
    return Span(max(0, ends - 1) * each, ends * each)


def _starts(
    before: int, running: int, known: UpstreamState, lately: Pace, own: Span | None
) -> Span | None:
    """Return the time until a job gets a place; the tightest limit decides.

    `own` is the time until its account's own limit lets it run.
    """
    limits = [own] if own else []
    most = places.ceiling(known, timezone.now())
    if most < places.UNLIMITED:
        # How many must end before it is this job's turn.
        limits.append(_after(max(0, before + 1 - max(0, most - running)), most, lately))
    if settings.WAVESPEED_PER_MINUTE:
        each = places.MINUTE.total_seconds() / settings.WAVESPEED_PER_MINUTE
        full = max(0, before + 1 - settings.WAVESPEED_PER_MINUTE)
        limits.append(Span(full * each, (before + 1) * each))
    if known.trouble or not limits:
        return None
    return Span(max(limit.low for limit in limits), max(limit.high for limit in limits))


def _ends(job: Generation, lately: Pace) -> Span | None:
    if job.status == Status.SUBMITTING:
        return lately.run(job)
    if job.status != Status.PROCESSING or job.fetching_since is not None:
        return None
    left = lately.run(job).less(_seconds_running(job))
    return left if left.high > 0 else None


def _outlook(job: Generation, place: Place | None, lately: Pace) -> Outlook:
    ends = place.ends if place else _ends(job, lately)
    usual = lately.known(job)
    processing = job.status == Status.PROCESSING
    late = processing and usual is not None and _seconds_running(job) > usual.high
    return Outlook(place, ends, job.frames_filled(lately.run(job).middle), late)


def _seconds_running(job: Generation) -> float:
    since = job.submitted_at or job.status_since
    return max(0.0, (timezone.now() - since).total_seconds())
