"""One process that watches jobs as a driver does, without storing films: a part of bench_watch."""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Collection
from uuid import UUID, uuid4

import httpx
from django.utils import timezone

from config.turnstile import in_db
from generations import claims, lifecycle, watch, wavespeed
from generations.models import Generation
from generations.steps import wait
from generations.wire import Transport

POLL_SECONDS = (5.0, 30.0)
POLLS_AT_ONCE = 200
TICK_SECONDS = 0.25
LATE_SECONDS_MAX = 60.0


class Counted(Transport):
    """Counts the calls."""

    calls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        return await super().handle_async_request(request)


class Watcher:
    """Sweeps and polls until every job was seen to end; `seen` says when, by upstream id."""

    def __init__(self, client: wavespeed.Client, count: int, pace: watch.Pace) -> None:
        self.seen = dict[str, float]()
        self._client = client
        self._count = count
        self._worker = uuid4()
        self._watch = watch.Watch(client, self._worker, pace)

    async def work(self, seconds: float) -> None:
        """Watch until all is seen or the time is up."""
        until = time.monotonic() + seconds
        swept_at = float("-inf")
        while len(self.seen) < self._count and time.monotonic() < until:
            if time.monotonic() - swept_at >= self._watch.pace.sweep:
                swept_at = time.monotonic()
                async for ended in self._watch.waves():
                    await self._note([job for job, _ in ended])
            due = await in_db(claims.claim, POLLS_AT_ONCE, self._worker)
            await asyncio.gather(*(self._poll(job) for job in due))
            await asyncio.sleep(TICK_SECONDS)

    async def _poll(self, job: Generation) -> None:
        prediction = await self._client.fetch(str(job.upstream_id))
        if prediction.status == wavespeed.COMPLETED:
            await self._note([job])
        else:
            await in_db(lifecycle.postpone, job, wait(job, POLL_SECONDS))

    async def _note(self, jobs: Collection[Generation]) -> None:
        self.seen |= {str(job.upstream_id): time.time() for job in jobs}
        await in_db(_end, [job.pk for job in jobs])


def _end(jobs: Collection[UUID]) -> None:
    """Take jobs out of the way: there is no film, and no money is held."""
    Generation.objects.filter(pk__in=jobs).update(
        status=Generation.Status.FAILED, error="seen", finished_at=timezone.now(), lease_until=None
    )


async def watch_all(count: int, span: float, pace: watch.Pace) -> dict[str, object]:
    """Watch for a while and return what was seen and what it cost."""
    transport = Counted(wavespeed.CONNECTIONS_MAX)
    async with wavespeed.Client(transport) as client:
        watcher = Watcher(client, count, pace)
        begun, spent = time.monotonic(), time.process_time()
        await watcher.work(span + LATE_SECONDS_MAX)
        seconds = time.monotonic() - begun
        return {
            "seen": watcher.seen,
            "seconds": seconds,
            "cpu_share": (time.process_time() - spent) / seconds,
            "calls_per_second": transport.calls / seconds,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def main() -> None:
    """Watch argv's count of jobs for its span, after a line on stdin; print what came of it."""
    count, span, pace = int(sys.argv[1]), float(sys.argv[2]), getattr(watch, sys.argv[3])
    Generation.objects.exists()
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asyncio.run(watch_all(count, span, pace))), flush=True)
