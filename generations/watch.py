"""Watches many running jobs by the upstream's history: one call shows a hundred of them.

A sweep reads pages from the newest job back to the oldest that runs. Those that ended come with
their outcome, so that no call for a single result is needed; those still running are put off,
so that nobody polls them one by one. Whatever a sweep does not see comes due by itself: without
a watch everything still gets done, by single polls.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from uuid import UUID

from django.conf import settings
from django.db.models import FloatField, Func
from django.utils import timezone

from config.turnstile import in_db
from generations import claims, wavespeed
from generations.models import Generation
from generations.wavespeed import HISTORY_PAGE_SIZE, HISTORY_SLACK, Prediction

logger = logging.getLogger(__name__)

Ended = tuple[Generation, Prediction]

# From so many running jobs on, pages cost less than single polls.
MANY = 10
# So few of them, left far behind the others, are polled one by one rather than paged to.
STRAGGLERS = 5
# Pages in a row, in waves, that show fewer running jobs than they cost calls.
BARREN_WAVES_MAX = 2
PAGES_AT_ONCE = 20
PAGES_MAX = 300
CLAIMS_MAX = 10_000


@dataclass(frozen=True)
class Pace:
    """How often to sweep, and how long a job that was seen running is left alone, in seconds.

    A watch that died is noticed by nobody: its jobs come due within `trust` of being seen.
    """

    sweep: float
    trust: float


REAL = Pace(sweep=3.0, trust=30.0)
PLAY = Pace(sweep=1.0, trust=6.0)


class Watch:
    """The watch of one worker. Two at once do no harm, but one is enough: take a seat first."""

    def __init__(
        self, upstream: wavespeed.Client, worker: UUID | None, pace: Pace | None = None
    ) -> None:
        self.pace = pace or (PLAY if settings.SANDBOX else REAL)
        self._upstream = upstream
        self._worker = worker
        # Upstream ids of running jobs whose next poll this watch has put off.
        self._put_off = set[str]()

    async def sweep(self, hands: int = CLAIMS_MAX) -> list[Ended]:
        """Return the jobs that have ended, claimed, at most as many as there are hands.

        Further ones are made due. Nothing is read while few jobs run. Never raises
        UpstreamError: what could not be read is seen by the next sweep, or comes due.
        """
        return [ended async for wave in self.waves(hands) for ended in wave]

    async def waves(self, hands: int = CLAIMS_MAX) -> AsyncIterator[list[Ended]]:
        """Sweep, and yield what has ended as soon as it is seen rather than all at the end."""
        unseen, since = await in_db(_running)
        self._put_off &= unseen.keys()
        barren, page, failed = 0, 1, False
        worthwhile = len(unseen) >= MANY
        while worthwhile and page <= PAGES_MAX:
            calls = min(PAGES_AT_ONCE, ceil(len(unseen) / HISTORY_PAGE_SIZE))
            answers = await self._read(range(page, page + calls), since)
            seen = {one.id: one for answer in answers for one in answer}
            # By id, because a job that moved to the next page meanwhile is shown twice.
            ours = {name: unseen.pop(name) for name in seen if name in unseen}
            ended = await self._judge([seen[name] for name in ours], ours, hands)
            hands -= len(ended)
            yield ended
            page += calls
            failed |= len(answers) < calls
            barren = barren + 1 if len(ours) < calls else 0
            worthwhile = (
                bool(answers)
                and all(answers)
                and len(unseen) > STRAGGLERS
                and barren < BARREN_WAVES_MAX
            )
        if not failed:
            await self._let_go(unseen)

    async def _let_go(self, unseen: Collection[str]) -> None:
        """Hand jobs that pages no longer show over to single polls, without a gap."""
        left = self._put_off.intersection(unseen)
        self._put_off -= left
        if left:
            await in_db(claims.make_all_due, left)

    async def _read(self, pages: Collection[int], since: datetime) -> list[list[Prediction]]:
        """Return what these pages show; those that could not be read are left out."""
        answers = await asyncio.gather(
            *(self._upstream.history(page, created_after=since) for page in pages),
            return_exceptions=True,
        )
        read = []
        for answer in answers:
            if isinstance(answer, wavespeed.UpstreamError):
                logger.warning("A page of the history could not be read: %s", answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                read.append(answer)
        return read

    async def _judge(
        self, seen: Collection[Prediction], due: dict[str, float], hands: int
    ) -> list[Ended]:
        """Claim what has ended, and put off what runs and would be polled soon."""
        now = timezone.now()
        ended = {one.id: one for one in seen if _has_ended(one)}
        takeable = {name: one for name, one in ended.items() if _says_all(one)}
        claimed = await self._claim(list(takeable)[: max(hands, 0)])
        look = [name for name in ended if name not in claimed and due[name] > now.timestamp()]
        if look:
            await in_db(claims.make_all_due, look)
        soon = now.timestamp() + self.pace.trust / 2
        put_off = [one.id for one in seen if one.id not in ended and due[one.id] < soon]
        if put_off:
            # Jitter keeps them from coming due together should the watch die.
            later = timedelta(seconds=self.pace.trust * random.uniform(0.8, 1.2))  # noqa: S311
            await in_db(claims.seen_running, put_off, now + later)
            self._put_off.update(put_off)
        return [(job, takeable[name]) for name, job in claimed.items()]

    async def _claim(self, upstream_ids: Collection[str]) -> dict[str, Generation]:
        if not upstream_ids:
            return {}
        claimed = await in_db(claims.claim_ended, upstream_ids, self._worker)
        return {job.upstream_id: job for job in claimed if job.upstream_id}


def _running() -> tuple[dict[str, float], datetime]:
    """Return when each running job is due, by its upstream id, and from when to read."""
    moments = (_unix_time("due_at"), _unix_time("submitted_at"))
    rows = list(claims.watchable().values_list("upstream_id", *moments))
    due = {upstream_id: due_at for upstream_id, due_at, _ in rows if upstream_id}
    submitted = [submitted_at for _, _, submitted_at in rows if submitted_at]
    since = datetime.fromtimestamp(min(submitted), UTC) if submitted else timezone.now()
    return due, since - HISTORY_SLACK


def _unix_time(field: str) -> Func:
    # Django makes moments from text, which would be half of what reading thousands of rows takes.
    template = "date_part('epoch', %(expressions)s)"
    return Func(field, template=template, output_field=FloatField())


def _has_ended(seen: Prediction) -> bool:
    return seen.status == wavespeed.COMPLETED or seen.status in wavespeed.ENDED_WITHOUT_VIDEO


def _says_all(seen: Prediction) -> bool:
    """Whether a page says what is to be known of the end; else the single result must be read."""
    return bool(seen.outputs) or seen.status != wavespeed.COMPLETED
