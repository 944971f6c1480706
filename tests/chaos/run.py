"""The chaos run: customers submit, things die, the way is bad; in the end everything adds up."""

import asyncio
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.chaos import customers, house, judge, kills
from tests.chaos.customers import Customer
from tests.chaos.dice import numbers
from tests.chaos.house import CREDIT_DOLLARS, CUSTOMERS, House
from tests.chaos.judge import Verdict

MICROS = 1_000_000
LOOK_SECONDS = 0.5
UNFINISHED = "SELECT count(*) FROM generations_generation WHERE finished_at IS NULL"


@dataclass(frozen=True)
class Plan:
    """One run: the seed decides faults, kills and prompts.

    Submitting is spread over `submit_share` of the time in which the kills happen;
    `patience_seconds` is how long the jobs may take to end after the last kill and submit.
    """

    seed: int
    jobs: int
    kills: int
    gap_seconds: float
    patience_seconds: float
    percent: float = 20.0
    submit_share: float = 0.8
    patience: Mapping[str, str] = field(default_factory=lambda: house.PATIENCE)


@dataclass
class Report:
    """What happened. Times are seconds since the first submit."""

    plan: Plan
    kills: list[tuple[float, str]] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    troubles: Counter[int] = field(default_factory=Counter)
    promised: int = 0
    found: int = 0
    seconds: float = 0.0
    spent: dict[str, float] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)

    def lines(self) -> Iterator[str]:
        """Yield the report for people."""
        plan = self.plan
        yield f"seed {plan.seed}: {plan.jobs} jobs, {len(self.kills)} kills, {self.seconds:.0f} s"
        parts = ", ".join(f"{name} {used:.0f}" for name, used in self.spent.items())
        each = sum(self.spent.values()) / plan.jobs
        yield f"processor seconds, starts included: {parts}; {each:.2f} a job"
        yield "kills: " + ", ".join(f"{at:.0f} s {victim}" for at, victim in self.kills)
        yield f"ended by themselves and started again: {dict(Counter(self.deaths))}"
        yield f"submits answered 200: {self.promised}; without an answer but there: {self.found}"
        yield f"other answers to submits, 0 for none: {dict(self.troubles)}"
        yield f"calls upstream: {self.calls}"
        yield f"faults played: {sum(self.faults.values())} of {sum(self.calls.values())} calls"
        yield from (f"  {count:5} {fault}" for fault, count in sorted(self.faults.items()))
        yield from judge.describe(self.verdict)


@dataclass
class Run:
    """One run in the making."""

    plan: Plan
    house: House
    report: Report
    started: float = 0.0
    people: list[Customer] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    async def play(self) -> None:
        """Submit, kill, wait for the end of all jobs."""
        self.started = time.monotonic()
        keeper = asyncio.create_task(house.keep_alive(self.house))
        try:
            async with asyncio.TaskGroup() as doings:
                doings.create_task(self._kill())
                doings.create_task(self._submit())
            await asyncio.to_thread(self._await_end)
        finally:
            # Whoever interrupts the run must not wait for the thread that waits for the jobs.
            self.over.set()
            keeper.cancel()
            self.report.seconds = time.monotonic() - self.started

    def meet(self, opened: dict[str, str]) -> None:
        """Take the owner of an account on."""
        foreign = f"http://127.0.0.1:{self.house.proxy}/picture.jpg"
        database = self.house.postgres.url
        customer = Customer(self.house.url, database, foreign, opened["account"], opened["api_key"])
        self.people.append(customer)

    async def _kill(self) -> None:
        plan = self.plan
        for gap, victim in kills.plan(numbers(plan.seed, "kills"), plan.kills, plan.gap_seconds):
            await asyncio.sleep(gap)
            self.report.kills.append((time.monotonic() - self.started, victim))
            await asyncio.to_thread(self.house.strike, victim)

    async def _submit(self) -> None:
        plan = self.plan
        orders = customers.orders(numbers(plan.seed, "orders"), plan.jobs)
        gap = plan.gap_seconds * plan.kills * plan.submit_share * CUSTOMERS / plan.jobs
        async with asyncio.TaskGroup() as doings:
            for number, customer in enumerate(self.people):
                doings.create_task(customer.submit_all(orders[number::CUSTOMERS], gap))

    def _await_end(self) -> None:
        """Return when no job is unfinished, or patience has ended: the judge will tell."""
        until = time.monotonic() + self.plan.patience_seconds
        # What is still on its way must not arrive after the judgement.
        while time.monotonic() < until and (self._unfinished() or self._told()["errands"]):
            if self.over.wait(LOOK_SECONDS):
                return

    def _unfinished(self) -> int:
        with psycopg.connect(self.house.postgres.url) as database:
            row = database.execute(UNFINISHED).fetchone()
        return int(row[0]) if row else 0

    def _told(self) -> dict[str, Any]:
        answer = httpx.get(f"http://127.0.0.1:{self.house.proxy}/_faults")
        told: dict[str, Any] = answer.json()
        return told

    def conclude(self) -> None:
        """Fill the rest of the report."""
        report, people = self.report, self.people
        told = self._told()
        report.calls, report.faults = told["calls"], told["faults"]
        report.spent = self.house.spent()
        report.deaths = self.house.deaths
        promised = {name for one in people for name in one.promised.values()}
        report.promised, report.found = len(promised), sum(one.found for one in people)
        report.troubles = sum((one.troubles for one in people), Counter())
        audit = self.house.manage("audit")
        report.verdict = judge.judge(
            judge.gather(
                self.house.postgres.url,
                f"http://127.0.0.1:{self.house.sandbox}",
                self.house.data / "media",
                promised,
                CUSTOMERS * CREDIT_DOLLARS * MICROS,
                audit.stdout,
            )
        )
        if audit.returncode:
            report.verdict.violations.append(f"audit exits {audit.returncode}: {audit.stderr}")


def run(plan: Plan, data: Path) -> Report:
    """Carry out a plan with everything below a folder, which keeps the logs."""
    own = House(data, plan.seed, plan.percent, plan.patience)
    doing = Run(plan, own, Report(plan))
    try:
        for opened in own.build():
            doing.meet(opened)
        own.await_ready()
        asyncio.run(doing.play())
        doing.conclude()
    finally:
        own.tear_down()
    return doing.report


def folder() -> Path:
    """Return a new folder for a run that nobody cleans up but the machine."""
    return Path(tempfile.mkdtemp(prefix="gallop-chaos-"))
