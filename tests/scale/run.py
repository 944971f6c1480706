"""The scale run: a flood, then films at a steady pace while half of the site dies for good."""

import asyncio
import itertools
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.chaos import judge
from tests.chaos.dice import numbers
from tests.chaos.house import CREDIT_DOLLARS, CUSTOMERS
from tests.scale import leases, proof, watcher
from tests.scale.figures import Costs, Deaths, Film, Flood, Report, grown
from tests.scale.programs import WITHOUT_FILM, Program, Promise
from tests.scale.site import WEBS, WORKERS, Site
from tests.scale.watcher import Watcher

MICROS = 1_000_000
# Requests of the flood at once: as many as the two web servers have threads.
FLOOD_WIDTH = 16
# Films are asked for in bunches, so that several requests are under way when the web server dies.
BUNCH = 12
BUNCH_AT_DEATH = 3 * BUNCH
READERS = 4
REST_SECONDS = 20
LOOK_SECONDS = 0.5
MOMENT_SECONDS = 0.001
STRIKE_SECONDS_MAX = 60
HELD_SECONDS = 0.03
TAKEN = "SELECT count(*) FROM generations_keptanswer WHERE name = ANY(%s)"
UNFINISHED = "SELECT count(*) FROM generations_generation WHERE finished_at IS NULL"
FINISHED = """
SELECT id, extract(epoch FROM finished_at)::float8
FROM generations_generation WHERE finished_at IS NOT NULL
"""


@dataclass(frozen=True)
class Plan:
    """One run: so many films, so many a second, after a flood of jobs without a film.

    The seed decides who dies and when. `patience_seconds` is how long the jobs may take to end.
    """

    seed: int
    films: int
    flood: int
    per_second: float
    job_seconds: float
    patience_seconds: float

    def strike_after(self) -> int:
        """Return the film in the middle, give or take a tenth, with which the killing begins."""
        return int(self.films * numbers(self.seed, "moment").uniform(0.4, 0.6))

    def victims(self) -> tuple[str, str]:
        """Return the web server and the worker that die."""
        luck = numbers(self.seed, "victims")
        return luck.choice(WEBS), luck.choice(WORKERS)

    def title(self) -> str:
        """Return what is run, and on what."""
        load = os.getloadavg()[0]
        return (
            f"seed {self.seed}: {self.films} films of 3 s at 720p, {self.per_second:g} a second, "
            f"after a flood of {self.flood}; {os.cpu_count()} cores with a load of {load:.1f} "
            "before the start"
        )


@dataclass
class Run:
    """One run in the making."""

    plan: Plan
    site: Site
    report: Report
    watcher: Watcher
    people: list[Program] = field(default_factory=list)
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def meet(self, opened: dict[str, str]) -> None:
        """Take the owner of an account on."""
        addresses = [self.site.address(web) for web in WEBS]
        self.people.append(Program(addresses, opened["account"], opened["api_key"]))

    async def play(self) -> None:
        """Submit, kill, wait for the end of all jobs, read every film."""
        plan = self.plan
        async with AsyncExitStack() as end:
            for person in self.people:
                self.clients.append(await end.enter_async_context(person.open()))
                await person.upload(self.clients[-1])
            # Until then every process does everything for its first time.
            await asyncio.gather(*(self._submit("") for _ in range(FLOOD_WIDTH)))
            await self._await_end()
            async with self._counted("rest", 1):
                await asyncio.sleep(REST_SECONDS)
            async with self._counted("submits without a film", plan.flood):
                await self._flood()
                await self._await_end()
            async with self._counted("films", plan.films):
                promises = await self._films()
                await self._await_end()
            self.report.films = self._films_of(promises)
            async with self._counted("reads of a result and its film", plan.films + FLOOD_WIDTH):
                await self._read_all()

    async def _submit(self, words: str) -> Promise:
        number = next(self._numbers)
        turn = number % CUSTOMERS
        return await self.people[turn].submit(self.clients[turn], number, words)

    async def _flood(self) -> None:
        left = iter(range(self.plan.flood))
        began = time.monotonic()

        async def one_after_the_other() -> list[float]:
            made = [await self._submit(WITHOUT_FILM) for _ in left]
            return [promise.answered_at - promise.began_at for promise in made]

        answers = await asyncio.gather(*(one_after_the_other() for _ in range(FLOOD_WIDTH)))
        seconds = time.monotonic() - began
        self.report.flood = Flood(self.plan.flood, seconds, list(itertools.chain(*answers)))

    async def _films(self) -> list[Promise]:
        """Ask for films in bunches at the plan's pace; with one of them the killing begins."""
        asked, strike = 0, None
        submits: list[asyncio.Task[Promise]] = []
        while asked < self.plan.films:
            bunch = min(BUNCH, self.plan.films - asked)
            if strike is None and asked >= self.plan.strike_after() - BUNCH:
                self.report.deaths = Deaths(*self.plan.victims())
                strike = asyncio.create_task(asyncio.to_thread(self._strike, self.report.deaths))
                bunch = min(BUNCH_AT_DEATH, self.plan.films - asked)
            submits += [asyncio.create_task(self._submit("")) for _ in range(bunch)]
            asked += bunch
            # Nothing is made up for: a machine that stood still must not meet all at once.
            await asyncio.sleep(bunch / self.plan.per_second)
        promises = await asyncio.gather(*submits)
        if strike:
            await strike
        return promises

    def _strike(self, deaths: Deaths) -> None:
        """Kill a web server that owes an answer, and a worker while both have work."""
        self._strike_web(deaths.web)
        deaths.web_at = time.time()
        self._strike_worker(deaths)

    def _strike_web(self, web: str) -> None:
        """Kill it with a job taken and not answered: held still for a look until there is one."""
        part, address = self.site.parts[web], self.site.address(web)
        until = time.monotonic() + STRIKE_SECONDS_MAX
        with psycopg.connect(self.site.postgres.url, autocommit=True) as database:
            while time.monotonic() < until:
                part.send(signal.SIGSTOP)
                # What it has said arrives meanwhile, so that only the unsaid is left.
                time.sleep(HELD_SECONDS)
                if self._owed(database, address):
                    break
                part.send(signal.SIGCONT)
                time.sleep(MOMENT_SECONDS)
        part.kill()

    def _owed(self, database: psycopg.Connection[Any], address: str) -> int:
        """Return how many jobs are taken whose programs still wait for this server."""
        waiting = [list(one.in_flight.items()) for one in self.people]
        keys = [key for key, asked in itertools.chain(*waiting) if asked == address]
        row = database.execute(TAKEN, [keys]).fetchone()
        return int(row[0]) if row else 0

    def _strike_worker(self, deaths: Deaths) -> None:
        until = time.monotonic() + STRIKE_SECONDS_MAX
        with psycopg.connect(self.site.postgres.url, autocommit=True) as database:
            while not leases.both_busy(leases.leased(database)) and time.monotonic() < until:
                time.sleep(MOMENT_SECONDS)
            self.site.parts[deaths.worker].kill()
            deaths.worker_at = time.time()
            self.watcher.estate = leases.Estate.at_death(leases.leased(database), deaths.worker_at)

    async def _await_end(self) -> None:
        """Return when no job is unfinished, or patience has ended: the proof will tell."""
        until = time.monotonic() + self.plan.patience_seconds
        while time.monotonic() < until:
            if not await asyncio.to_thread(self._unfinished):
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _unfinished(self) -> int:
        with psycopg.connect(self.site.postgres.url) as database:
            row = database.execute(UNFINISHED).fetchone()
        return int(row[0]) if row else 0

    def _films_of(self, promises: list[Promise]) -> list[Film]:
        ends = self._ends()
        return [
            Film(promise.began_at, ends[promise.job]) for promise in promises if promise.job in ends
        ]

    def _ends(self) -> dict[str, float]:
        """Return when each finished job ended, in Unix seconds, by its id."""
        with psycopg.connect(self.site.postgres.url) as database:
            return {job.hex: ended for job, ended in database.execute(FINISHED)}

    async def _read_all(self) -> None:
        """Fetch every film through the web server that lives, and keep it as the job names it."""
        deaths = self.report.deaths
        assert deaths is not None, "the films are over"
        [alive] = [self.site.address(web) for web in WEBS if web != deaths.web]
        with psycopg.connect(self.site.postgres.url) as database:
            rows = database.execute(
                "SELECT id, account_id::text, video FROM generations_generation WHERE video <> ''"
            ).fetchall()
        left = iter(rows)
        owners = {person.account: turn for turn, person in enumerate(self.people)}

        async def one_after_the_other() -> None:
            for job, account, video in left:
                turn = owners[account]
                film = await self.people[turn].film(self.clients[turn], alive, job.hex)
                path = self.films / video
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(film)

        await asyncio.gather(*(one_after_the_other() for _ in range(READERS)))

    @property
    def films(self) -> Path:
        """Where the films lie that were read back."""
        return self.site.data / "read-back"

    @asynccontextmanager
    async def _counted(self, what: str, count: int) -> AsyncIterator[None]:
        """Note what the work of the block costs."""
        spent, counted = await asyncio.to_thread(self._costs)
        began = time.monotonic()
        yield
        seconds = time.monotonic() - began
        spent_then, counted_then = await asyncio.to_thread(self._costs)
        costs = Costs(what, count, seconds, grown(spent, spent_then), grown(counted, counted_then))
        self.report.costs.append(costs)

    def _costs(self) -> tuple[dict[str, float], dict[str, float]]:
        spent = self.site.spent() | {"customers": time.process_time()}
        return spent, watcher.growing(self.site.postgres.url)

    def conclude(self) -> None:
        """Fill the rest of the report."""
        report, site = self.report, self.site
        promises = [promise for one in self.people for promise in one.promises]
        report.troubles = sum((one.troubles for one in self.people), Counter())
        report.repeated = sum(promise.repeated for promise in promises)
        if report.deaths and self.watcher.estate:
            self._account_for(report.deaths, self.watcher.estate)
        audit = site.manage("audit")
        evidence = judge.gather(
            site.postgres.url,
            site.sandbox,
            self.films,
            {promise.job for promise in promises},
            CUSTOMERS * CREDIT_DOLLARS * MICROS,
            audit.stdout,
        )
        sizes = site.bucket_sizes()
        report.violations = proof.faults(evidence, promises, next(self._numbers) - 1, sizes)
        if audit.returncode:
            report.violations.append(f"audit exits {audit.returncode}: {audit.stderr}")
        report.extras += self._extras(evidence.jobs, sizes)

    def _account_for(self, deaths: Deaths, estate: leases.Estate) -> None:
        ends = self._ends()
        deaths.taken_over = sorted(estate.taken_over.values())
        deaths.statuses = estate.statuses
        deaths.finished = sorted(
            ends[job.hex] - deaths.worker_at for job in estate.taken_over if job.hex in ends
        )

    def _extras(self, jobs: list[judge.Job], sizes: dict[str, int]) -> Iterator[str]:
        stray = proof.strays(jobs, sizes)
        told = self.site.redis_figures()
        films = sum(bool(job.video) for job in jobs)
        kept = [size for name, size in sizes.items() if name.startswith("films/")]
        each = max(1, films)
        yield f"most connections to PostgreSQL: {dict(sorted(self.watcher.most.items()))}"
        yield (
            f"Redis: {told['used_memory_peak'] / MICROS:.1f} MB at most, "
            f"{told['total_commands_processed'] / max(1, len(jobs)):.1f} commands for each job"
        )
        yield (
            f"bucket: {len(kept) / each:.1f} objects and {sum(kept) / each / 1000:.0f} kB for each "
            f"film; films of no job: {len(stray)}"
        )


def run(plan: Plan, data: Path) -> Report:
    """Carry out a plan with everything below a folder, which keeps the logs."""
    site = Site(data, plan.job_seconds)
    report = Report(plan.title())
    try:
        opened = site.build()
        with watcher.watching(site.postgres.url) as looking:
            doing = Run(plan, site, report, looking)
            for one in opened:
                doing.meet(one)
            asyncio.run(doing.play())
        doing.conclude()
    finally:
        site.tear_down()
    return report


def folder() -> Path:
    """Return a new folder for a run that nobody cleans up but the machine."""
    return Path(tempfile.mkdtemp(prefix="gallop-scale-"))
