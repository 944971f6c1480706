"""Submissions and results a second of the real endpoint, beside pgbench with the same rows.

Everything is on: key, scope, expiry, networks, validation, limits, idempotency, cap, hold, job,
wake-up. All take turns on one PostgreSQL whose tables have a past.
"""

import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from bench import crowd, pgbench, web_server, wrk
from generations import catalog, images, lifecycle, wakeups
from generations.models import Generation

ROUNDS = 3
SECONDS = 5
WARM_SECONDS = 2
CONNECTIONS = 16
ACCOUNTS = 1000
MODEL = f"/api/v3/{catalog.IMAGE_TO_VIDEO.id}"
P99_MS_MAX = 60


@dataclass
class Line:
    """What was measured of one kind of request, round by round."""

    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    web_micros: list[float] = field(default_factory=list)
    postgres_micros: list[float] = field(default_factory=list)
    wrk_micros: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rates)

    def __str__(self) -> str:
        middle = statistics.median
        return (
            f"{self.rate:6.0f}/s  p50 {middle(self.p50):5.1f} ms  p99 {middle(self.p99):5.1f} ms  "
            f"CPU µs a request: web {middle(self.web_micros):4.0f}, PostgreSQL "
            f"{middle(self.postgres_micros):4.0f}, wrk {middle(self.wrk_micros):3.0f}"
        )


@contextmanager
def driver_seated() -> Iterator[None]:
    """Stand in for a driver that listens and is never quick enough to take a job."""
    params = connection.get_connection_params()
    where = {name: params[name] for name in ("host", "user", "dbname")}
    with psycopg.connect(**where, autocommit=True) as line:
        line.execute("SELECT pg_advisory_lock(%s, 1)", [wakeups.SEATS])
        line.execute(f"LISTEN {wakeups.CHANNEL}")
        yield


def measure(site: web_server.Site, requests: Path, line: Line, seconds: int = SECONDS) -> None:
    """Send the requests for a while and note what came of it; none may be refused."""
    web, postgres = site.cpu_seconds()
    load = wrk.run(site.url, requests, connections=CONNECTIONS, seconds=seconds)
    web_after, postgres_after = site.cpu_seconds()
    assert load.refused == 0, f"{load.refused} requests of {requests.name} failed"
    answered = load.rate * seconds
    line.rates.append(load.rate)
    line.p50.append(load.p50)
    line.p99.append(load.p99)
    line.web_micros.append(1e6 * (web_after - web) / answered)
    line.postgres_micros.append(1e6 * (postgres_after - postgres) / answered)
    line.wrk_micros.append(load.cpu_micros)


def write(path: Path, requests: list[wrk.Request]) -> Path:
    """Write a file of requests for wrk."""
    path.write_text("".join(request.line for request in requests))
    return path


def submissions(members: list[crowd.Member], **other: Any) -> list[wrk.Request]:
    """Return one submission of each customer."""
    body = json.dumps(crowd.submit_body())
    return [wrk.Request("POST", MODEL, member.secret, body, **other) for member in members]


def with_own_pictures(members: list[crowd.Member]) -> list[wrk.Request]:
    """Return one submission of each customer, of a picture that it uploaded."""
    pictures = crowd.give_pictures(members)
    return [
        wrk.Request(
            "POST",
            MODEL,
            member.secret,
            json.dumps({**crowd.submit_body(), "image": images.address(picture)}),
            once=True,
        )
        for member, picture in zip(members, pictures, strict=True)
    ]


def results(members: list[crowd.Member]) -> list[wrk.Request]:
    """Return a question for one job of each customer."""
    newest = Generation.objects.order_by("account_id", "-created_at").distinct("account_id")
    jobs = {job.account_id: job for job in newest}
    return [
        wrk.Request("GET", f"/api/v3/predictions/{jobs[one.account.pk].id.hex}/result", one.secret)
        for one in members
    ]


@pytest.mark.django_db(transaction=True)
def bench_api(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Print all rates; the shares must reach what was promised."""
    members = crowd.gather(ACCOUNTS)
    inputs = catalog.IMAGE_TO_VIDEO.clean(crowd.submit_body())
    first = members[0]
    job = lifecycle.request(
        first.account, catalog.IMAGE_TO_VIDEO, inputs, user=first.key.created_by, api_key=first.key
    )
    crowd.give_past(members, job)
    files = {
        "submit": write(tmp_path / "submit", submissions(members, once=True)),
        "submit, no Idempotency-Key": write(tmp_path / "bare", submissions(members)),
        "submit, own upload": write(tmp_path / "own", with_own_pictures(members)),
        "submit, one hot account": write(tmp_path / "hot", submissions(members[:1], once=True)),
        "GET result": write(tmp_path / "result", results(members)),
    }
    plain, hot = tmp_path / "plain.sql", tmp_path / "hot.sql"
    plain.write_text(crowd.plain_transaction(members, job))
    hot.write_text(crowd.plain_transaction(members[:1], job))
    yardsticks: dict[str, tuple[Path, list[float]]] = {"plain": (plain, []), "hot": (hot, [])}
    lines = {name: Line() for name in files}
    with driver_seated(), web_server.running() as site:
        for file in files.values():
            measure(site, file, Line(), WARM_SECONDS)
        for _ in range(ROUNDS):
            for name, file in files.items():
                measure(site, file, lines[name])
            for script, rates in yardsticks.values():
                rates.append(pgbench.rate(script, CONNECTIONS, SECONDS))
    plain_rate, hot_rate = (statistics.median(rates) for _, rates in yardsticks.values())
    with capsys.disabled():
        print(f"\n{CONNECTIONS} connections, {ACCOUNTS} accounts, medians of {ROUNDS} rounds")
        for name, line in lines.items():
            print(f"{name:28} {line}")
        print(f"pgbench, the same rows       {plain_rate:6.0f}/s, on one hot row {hot_rate:.0f}/s")
    share = lines["submit"].rate / plain_rate
    hot_share = lines["submit, one hot account"].rate / hot_rate
    reads = lines["GET result"].rate / lines["submit"].rate
    beside_plain = lines["GET result"].rate / plain_rate
    with capsys.disabled():
        print(
            f"submit / pgbench {share:.2f}, hot account / pgbench {hot_share:.2f}, "
            f"GET result / pgbench {beside_plain:.2f}, GET result / submit {reads:.1f}"
        )
    call_command("audit", stdout=StringIO())
    assert share >= 0.35
    assert hot_share >= 1
    assert reads >= 4
    assert statistics.median(lines["submit"].p99) < P99_MS_MAX
