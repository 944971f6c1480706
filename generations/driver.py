"""Drives jobs: claims those that are due and takes each one step further, many at once.

One process serves thousands of jobs with one event loop and one HTTP client; it never waits for
a single job. Any number of drivers share the jobs: each works on those that it holds a lease of.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Coroutine
from uuid import uuid4

from django.db import InterfaceError, OperationalError

from accounts.webhook_sender import Sender
from config.outbound import Fetcher
from config.turnstile import close_connections, in_db, in_db_first, urgent
from generations import claims, places, wakeups, wavespeed
from generations.models import Generation
from generations.steps import Steps
from generations.wakeups import Ear
from generations.watch import Watch

logger = logging.getLogger(__name__)

Status = Generation.Status

# Steps at once: submissions have their own, so that films which are being fetched delay none.
STEPS_MAX = 200
SUBMISSIONS_MAX = 100
# Test jobs are given few hands of their own, so that however many there are delay no real one.
REHEARSALS_MAX = 20
TICK_SECONDS = 2.0
# With no unfinished job there is a look as seldom as this.
IDLE_SECONDS = 5.0
PAUSE_SECONDS = 0.005
LOOK_SECONDS = 0.1
DATABASE_GONE_SECONDS = 0.5
RENEWALS_PER_LEASE = 3

DatabaseGone = (OperationalError, InterfaceError)


class Driver:
    """Takes jobs further with one client for the upstream and one for foreign addresses."""

    def __init__(
        self, upstream: wavespeed.Client, fetcher: Fetcher, sender: Sender | None = None
    ) -> None:
        self.worker = uuid4()
        self._watch = Watch(upstream, self.worker)
        self._sender = sender
        self._look: asyncio.Task[float] | None = None
        self._sweep: asyncio.Task[None] | None = None
        self._sweep_at = self._look_at = self._due_at = 0.0
        self._words = 0
        self._seated = True
        self._watching = False
        self._steps = Steps(upstream, fetcher)
        self._running: dict[asyncio.Task[None], list[Generation]] = {}
        self._submitting: set[asyncio.Task[None]] = set()
        self._rehearsing: set[asyncio.Task[None]] = set()
        self._renewed_at = time.monotonic()

    async def work(
        self,
        seconds: float,
        leaving: Callable[[], bool] = lambda: False,
        take_seat: Callable[[], bool] = lambda: True,
    ) -> None:
        """Keep taking due jobs further until the time is up or it is time to leave.

        A seat is lost with the database's session; it is taken anew, or the work ends.
        """
        until = time.monotonic() + seconds
        async with Ear() as ear:
            while time.monotonic() < until and not leaving():
                try:
                    if not self._seated and not await in_db(take_seat):
                        break
                    self._seated = True
                    await self._start_submissions(ear)
                    self._keep_looking(ear)
                    await self._rest(ear, min(until, self._rest_end(ear)), leaving)
                except DatabaseGone as error:
                    logger.warning("The database is gone for a moment: %s", error)
                    await close_connections()
                    # Its session held our seat and the watch's.
                    self._seated = self._watching = False
                    await asyncio.sleep(DATABASE_GONE_SECONDS)
        # To their ends: what they have claimed by now is worked on.
        for task in (self._look, self._sweep):
            if task:
                await asyncio.wait([task])

    async def finish(self, seconds: float = math.inf) -> None:
        """Wait for the steps that were begun, at most so long; what is left loses its lease."""
        until = time.monotonic() + seconds
        while self._running and time.monotonic() < until:
            await asyncio.wait(self._running, timeout=PAUSE_SECONDS * 20)
            with contextlib.suppress(*DatabaseGone):
                await self._renew()
        for step in self._running:
            step.cancel()
        if self._sender:
            await self._sender.finish()

    async def run_due(self) -> int:
        """Take every job that is due now one step further and return how many there were."""
        started = await self._start_submissions() + await self._start_steps()
        started += await self._start_rehearsals()
        await self.finish()
        return started

    async def _start_submissions(self, ear: Ear | None = None) -> int:
        """Begin to submit what gets a place; return how many jobs. People wait for these."""
        wanted = SUBMISSIONS_MAX - len(self._submitting)
        # The steps begun in between are urgent too: a task keeps what it was begun with.
        before = urgent.set(True)
        try:
            placed = await in_db(places.claim, wanted, self.worker) if wanted > 0 else []
            for job in placed:
                self._submitting.add(self._begin(self._steps.take(job), [job], ear))
        finally:
            urgent.reset(before)
        return len(placed)

    def _keep_looking(self, ear: Ear) -> None:
        """Look around when it is time, beside the submissions: they wait for nothing of it."""
        if self._look and self._look.done():
            look, self._look = self._look, None
            self._due_at = look.result()
        if self._look is None and time.monotonic() >= self._look_at:
            self._words = ear.words
            self._look = asyncio.create_task(self._look_around(ear), name="the look around")
            self._look.add_done_callback(lambda _: ear.nudge())

    def _rest_end(self, ear: Ear) -> float:
        """Return until when there is nothing to do, unless there is a word."""
        if self._look:
            return math.inf
        # New jobs are taken at each word, everything else with the next look.
        return self._due_at if ear.words == self._words else self._look_at

    async def _look_around(self, ear: Ear) -> float:
        """Do all that bears a moment's delay; return until when nothing more comes due."""
        await self._start_steps(ear)
        await self._start_rehearsals(ear)
        await self._start_sweep(ear)
        if self._sender:
            await self._sender.start_due()
        await self._renew()
        now = time.monotonic()
        self._look_at = now + LOOK_SECONDS
        until_due = await in_db_first(claims.seconds_until_due)
        busy = self._running or until_due < math.inf or await in_db_first(_anything_unfinished)
        return now + min(until_due, TICK_SECONDS if busy else IDLE_SECONDS)

    async def _start_steps(self, ear: Ear | None = None) -> int:
        """Claim what is due, as far as there are hands, and begin it; return how many jobs."""
        hands = self._hands()
        due = await in_db_first(claims.claim, hands, self.worker) if hands > 0 else []
        doubtful = [job for job in due if job.status == Status.IN_DOUBT]
        if doubtful:
            self._begin(self._steps.settle_doubts(doubtful), doubtful, ear)
        for job in due:
            if job.status != Status.IN_DOUBT:
                self._begin(self._steps.take(job), [job], ear)
        return len(due)

    async def _start_rehearsals(self, ear: Ear | None = None) -> int:
        """Claim test jobs, as far as there are hands for them, and begin it; return how many."""
        wanted = REHEARSALS_MAX - len(self._rehearsing)
        due = await in_db_first(claims.claim_tests, wanted, self.worker) if wanted > 0 else []
        for job in due:
            self._rehearsing.add(self._begin(self._steps.take(job), [job], ear))
        return len(due)

    async def _start_sweep(self, ear: Ear) -> None:
        """Watch the running jobs by the upstream's history, if no other driver does."""
        now = time.monotonic()
        if now < self._sweep_at or (self._sweep and not self._sweep.done()):
            return
        self._sweep_at = now + self._watch.pace.sweep
        self._watching = self._watching or await in_db_first(wakeups.take_watch)
        if self._watching:
            self._sweep = asyncio.create_task(self._see_ended(ear), name="the watch")
            self._sweep.add_done_callback(_log_if_broken)

    async def _see_ended(self, ear: Ear) -> None:
        try:
            async for ended in self._watch.waves(self._hands()):
                for job, prediction in ended:
                    self._begin(self._steps.see(job, prediction), [job], ear)
        except DatabaseGone as error:
            logger.warning("The watch lost the database for a moment: %s", error)

    def _hands(self) -> int:
        """Return how many more steps may begin, submissions and test jobs aside."""
        apart = len(self._submitting) + len(self._rehearsing)
        return STEPS_MAX - (len(self._running) - apart)

    def _begin(
        self, step: Coroutine[None, None, None], jobs: list[Generation], ear: Ear | None
    ) -> asyncio.Task[None]:
        # A step that broke keeps its lease; when that ends the job is tried again.
        task = asyncio.create_task(step, name=f"the step of {', '.join(map(str, jobs))}")
        self._running[task] = jobs
        task.add_done_callback(lambda done: self._end(done, ear))
        return task

    def _end(self, task: asyncio.Task[None], ear: Ear | None) -> None:
        del self._running[task]
        self._submitting.discard(task)
        self._rehearsing.discard(task)
        _log_if_broken(task)
        if ear:
            ear.ring()

    async def _renew(self) -> None:
        """Keep the leases of the steps that are still at work."""
        now = time.monotonic()
        if now - self._renewed_at < claims.lease().total_seconds() / RENEWALS_PER_LEASE:
            return
        self._renewed_at = now
        jobs = [job.pk for jobs in self._running.values() for job in jobs]
        if jobs:
            await in_db_first(claims.renew, jobs, self.worker)

    async def _rest(self, ear: Ear, until: float, leaving: Callable[[], bool]) -> None:
        """Wait for a word, an own step's end, or until something comes due."""
        # A breath in between, so that many ends or words at once cost one look.
        await asyncio.sleep(PAUSE_SECONDS)
        while (left := until - time.monotonic()) > 0 and not leaving():
            if await ear.wait(min(left, TICK_SECONDS)):
                break


def _log_if_broken(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        logger.error("This broke: %s.", task.get_name(), exc_info=error)


def _anything_unfinished() -> bool:
    return Generation.objects.unfinished().exists()
