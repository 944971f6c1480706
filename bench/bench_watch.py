"""Watching 100, 1,000 and 10,000 running jobs: how late an end is seen, and what that costs."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from bench import upstream
from generations.models import Generation

SPAN_SECONDS = 40.0
START = "import django; django.setup(); from bench.watching import main; main()"


@dataclass(frozen=True)
class Figures:
    """What one watching process saw and cost; lags in seconds, sorted."""

    lags: list[float]
    cpu_share: float
    peak_mb: float
    calls_per_second: float

    @property
    def median(self) -> float:
        """Half of the ends were seen within so many seconds."""
        return statistics.median(self.lags)

    @property
    def p95(self) -> float:
        """95 of 100 ends were seen within so many seconds."""
        return self.lags[int(len(self.lags) * 0.95)]


def measure(count: int, span: float, pace: str) -> Figures:
    """Let `count` jobs end within `span` seconds and another process watch them.

    `pace` names a constant of generations.watch. Fails when an end was never seen.
    """
    run(count)
    with started("-m", "bench.upstream", str(count), str(span)) as standing:
        port = heard(standing)
        with started("-c", START, str(count), str(span), pace, port=port) as watching:
            assert heard(watching) == "ready"
            begun_at = time.time()
            tell(standing, str(begun_at))
            tell(watching, "go")
            said = json.loads(heard(watching))
    ends = {upstream.name(n): end for n, end in enumerate(upstream.ends(count, span))}
    assert said["seen"].keys() == ends.keys(), "an end was never seen"
    return Figures(
        sorted(seen - begun_at - ends[name] for name, seen in said["seen"].items()),
        said["cpu_share"],
        said["peak_mb"],
        said["calls_per_second"],
    )


def run(count: int) -> None:
    """Make rows of jobs that the upstream has; nothing is held for them."""
    account = Account.objects.create(name=f"bench {count}")
    now = timezone.now()
    Generation.objects.bulk_create(
        (
            Generation(
                account=account,
                model="alibaba/happyhorse-1.1/image-to-video",
                inputs={"prompt": "a horse", "resolution": "720p", "duration": 5},
                price_micros=700_000,
                status=Generation.Status.PROCESSING,
                upstream_id=upstream.name(number),
                submitted_at=now,
                due_at=now + timedelta(seconds=5),
            )
            for number in range(count)
        ),
        batch_size=1000,
    )


@contextmanager
def started(*command: str, port: str = "0") -> Iterator[subprocess.Popen[str]]:
    """Run Python on this test's database, with the upstream at this port."""
    host, database = connection.get_connection_params()["host"], connection.settings_dict["NAME"]
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": f"postgres:///{host}/{database}",
            "PGUSER": "postgres",
            "WAVESPEED_BASE_URL": f"http://127.0.0.1:{port}",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[str], line: str) -> None:
    """Send a line."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> str:
    """Wait for a line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [100, 1_000, 10_000])
def bench_watch(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Print the cost of watching; at 10,000 it must be what was promised."""
    figures = measure(count, SPAN_SECONDS, "REAL")
    with capsys.disabled():
        print(
            f"\nwatching {count:6,d} jobs: end seen after {figures.median:.1f} s (median), "
            f"{figures.p95:.1f} s (p95), {figures.lags[-1]:.1f} s (latest); "
            f"{figures.cpu_share:.1%} of one core, {figures.peak_mb:.0f} MB at most, "
            f"{figures.calls_per_second:.1f} calls/s"
        )
    assert figures.p95 < 5
    assert figures.cpu_share < 0.15
    assert figures.peak_mb < 300
