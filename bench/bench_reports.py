"""How long each report takes over a past of 100,000 jobs, and what the same takes over 1,000."""

import os
import statistics
import time
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from billing import sums
from generations.reports import seeding
from generations.reports.pages import REPORTS
from generations.reports.periods import Unit
from tests.generations.desk.operators import operator

JOBS = int(os.environ.get("REPORT_JOBS", "100000"))
FEW = 1000
LOOKS = 21
SECONDS_MAX = 1.0


def looks(browser: Client, name: str, unit: Unit) -> list[float]:
    """Return how long the page took each time, in seconds, without the first."""
    took = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        assert browser.get(f"/admin/reports/{name}/", {"by": unit}).status_code == 200
        took.append(time.perf_counter() - begun)
    return took[1:]


def times(browser: Client) -> dict[tuple[str, Unit], list[float]]:
    """Return the times of every report by unit."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {(name, unit): looks(browser, name, unit) for name in REPORTS for unit in Unit}


@pytest.fixture(autouse=True)
def _unbuilt(settings: Settings, tmp_path: Path) -> None:
    """Serve static files as they are: pages are measured, not their building."""
    settings.STATIC_ROOT = tmp_path
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


@pytest.mark.django_db
def bench_reports(capsys: pytest.CaptureFixture[str]) -> None:
    """Print median and p95 of each page, and its ratio to that of a small site."""
    browser = operator().browser
    seeding.seed(FEW, 50, 400)
    small = times(browser)
    seeding.seed(JOBS, max(5, JOBS // 200), 400, 2)
    large = times(browser)
    with capsys.disabled():
        print(f"\nreports over {JOBS:,} jobs, {LOOKS - 1} looks each, seconds")
        for (name, unit), took in large.items():
            middle, slow = statistics.median(took), statistics.quantiles(took, n=20)[-1]
            ratio = middle / statistics.median(small[name, unit])
            print(
                f"{name:9} by {unit.value:5}  median {middle:.2f}  p95 {slow:.2f}  "
                f"{ratio:.1f} times that of {FEW:,} jobs"
            )
    assert sums.audit().faults == []
    assert all(statistics.quantiles(took, n=20)[-1] < SECONDS_MAX for took in large.values())
