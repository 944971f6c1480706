"""Lighthouse over the pages that customers see most: `python -m tests.lighthouse`.

Runs the site as in production (built static files, no debugging), with a resident who has films,
prints a table, and ends with 1 when a score, the transfer or the layout is worse than promised.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.urls import reverse
from playwright.sync_api import sync_playwright

from tests import browser, house, node, tour
from tests.ports import free_port

FOLDER = Path(__file__).parent
PROGRAM = FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
MEDIA = {"Image", "Media"}
SCORE_MIN = 95
TRANSFER_MAX = 120_000
RUN_SECONDS_MAX = 240
FILMS = [
    tour.Film("sea", "The sail drifts towards the sun", "1080p", 5),
    tour.Film("city", "Lights go on one after the other"),
    tour.Film("dunes", "The wind takes the sand off the ridges"),
]


@dataclass(frozen=True)
class Result:
    """What Lighthouse says of one page: scores of 100, bytes without media, and layout shift."""

    page: str
    scores: dict[str, int]
    transfer: int
    shift: float
    reasons: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether everything is as promised."""
        enough = min(self.scores.values()) >= SCORE_MIN
        return enough and self.transfer <= TRANSFER_MAX and self.shift == 0

    def __str__(self) -> str:
        scores = "".join(f"{self.scores[name]:>16}" for name in CATEGORIES)
        return f"{self.page:<10}{scores}{self.transfer / 1000:>12.1f} kB{self.shift:>10.3f}"


def audit(page: str, url: str, port: int) -> Result:
    """Have Lighthouse load one page as a middling phone does, in the Chromium at this port."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run(
            [
                *(node.find(), str(PROGRAM), url, "--quiet", "--output=json"),
                *(f"--output-path={report}", f"--only-categories={','.join(CATEGORIES)}"),
                # The visitor stays signed in from page to page.
                *(f"--port={port}", "--disable-storage-reset"),
            ],
            check=True,
            timeout=RUN_SECONDS_MAX,
        )
        return read(page, json.loads(report.read_text()))


def read(page: str, report: dict[str, Any]) -> Result:
    """Take what is promised out of a report."""
    categories, audits = report["categories"], report["audits"]
    requests = audits["network-requests"]["details"]["items"]
    shift = audits["cumulative-layout-shift"]["numericValue"]
    return Result(
        page=page,
        scores={name: round(100 * (categories[name]["score"] or 0)) for name in CATEGORIES},
        transfer=sum(one["transferSize"] for one in requests if one["resourceType"] not in MEDIA),
        shift=round(shift, 3),
        reasons=tuple(_reasons(categories, audits)),
    )


def _reasons(categories: dict[str, Any], audits: dict[str, Any]) -> list[str]:
    """Return what cost points: the audits with weight that are not perfect."""
    named = [
        one["id"] for part in categories.values() for one in part["auditRefs"] if one["weight"]
    ]
    found = {name: audits[name] for name in named}
    return [
        f"{name}: {one.get('displayValue') or one['title']}"
        for name, one in found.items()
        if one["score"] is not None and one["score"] < 0.9
    ]


def visit(site: house.House, folder: str) -> Iterator[Result]:
    """Audit the landing page as a visitor, and the others as somebody with films."""
    resident = tour.Resident(site, "lena@example.org", FILMS)
    resident.move_in()
    port = free_port()
    arguments = ["--no-sandbox", "--disable-gpu", f"--remote-debugging-port={port}"]
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder, executable_path=browser.find(), args=arguments, base_url=site.url
        )
        yield audit("landing", site.url + reverse("landing"), port)
        page = context.new_page()
        resident.sign_in(page)
        cache = context.new_cdp_session(page)
        for name, path in (
            ("create", reverse("create")),
            ("gallery", reverse("gallery")),
            ("film", resident.film_page(0)),
        ):
            # Every page is measured as the first one that somebody opens.
            cache.send("Network.clearBrowserCache")
            yield audit(name, site.url + path, port)
        context.close()


def main() -> None:
    """Install Lighthouse if need be, run it, print the table."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    if not node.are_installed(FOLDER):
        sys.stdout.write("Installing Lighthouse.\n")
        node.install_packages(FOLDER)
    with (
        tempfile.TemporaryDirectory() as data,
        tempfile.TemporaryDirectory() as profile,
        house.running(Path(data), SANDBOX_JOB_SECONDS="1") as site,
    ):
        results = list(visit(site, profile))
    head = "".join(f"{name:>16}" for name in CATEGORIES)
    sys.stdout.write(f"{'page':<10}{head}{'without media':>15}{'shift':>10}\n")
    for result in results:
        sys.stdout.write(f"{result}\n" + "".join(f"    {why}\n" for why in result.reasons))
    sys.exit(0 if all(result.is_good for result in results) else 1)


if __name__ == "__main__":
    main()
