"""One running site and one browser for all journeys; a fresh visitor for each.

Nothing is replaced: the site is what `make run` starts, with its own PostgreSQL, worker and
sandbox; only the mail goes into files. Each module is of the group "house", so that one process
runs them all and one site serves them.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import browser, house
from tests.journeys import visitor
from tests.pictures import draw

JOB_SECONDS = "3"
CLICK_MS_MAX = 10_000


@pytest.fixture(scope="package")
def site() -> Iterator[house.House]:
    """The site as `make run` starts it; a job takes it three seconds."""
    # Not pytest's own folder: that is closed to the user that PostgreSQL runs as under root.
    with (
        tempfile.TemporaryDirectory() as folder,
        house.running(Path(folder), SANDBOX_JOB_SECONDS=JOB_SECONDS) as site,
    ):
        yield site


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A headless Chromium that asks nothing of the network beyond this machine."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=browser.find(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield started
        started.close()


@pytest.fixture
def come_in(chromium: Browser, site: house.House) -> Iterator[Callable[[], Page]]:
    """Let somebody new in; a mistake in any script, or against the policy, fails the test."""
    mistakes: list[str] = []
    contexts = []

    def open_page() -> Page:
        context = chromium.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(CLICK_MS_MAX)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.on("console", lambda line: mistakes.extend(visitor.mistakes_in(line)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert mistakes == []


@pytest.fixture
def page(come_in: Callable[[], Page]) -> Page:
    """A fresh visitor."""
    return come_in()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A JPEG on disk."""
    path = tmp_path / "disc.jpg"
    path.write_bytes(draw(960, 640))
    return path
