"""The whole way, as a new customer walks it: a real site, a real browser, real mail and films.

Nothing is replaced: the site is what `make run` starts, with its own PostgreSQL, worker and
sandbox; only the mail goes into files.
"""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import browser, house
from tests.pictures import draw

pytestmark = pytest.mark.xdist_group("house")

FILM_SECONDS_MAX = 60
JOB_SECONDS = "3"
CLICK_MS_MAX = 10_000
PASSWORD = "walking-all-the-way"


@pytest.fixture(scope="module")
def site() -> Iterator[house.House]:
    """The site as `make run` starts it; a job takes it three seconds."""
    # Not pytest's own folder: that is closed to the user that PostgreSQL runs as under root.
    with (
        tempfile.TemporaryDirectory() as folder,
        house.running(Path(folder), SANDBOX_JOB_SECONDS=JOB_SECONDS) as site,
    ):
        yield site


@pytest.fixture(scope="module")
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
def page(chromium: Browser, site: house.House) -> Iterator[Page]:
    """A fresh visitor; a mistake in any script of a page fails the test."""
    context = chromium.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(CLICK_MS_MAX)
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda line: mistakes.append(line.text) if line.type == "error" else None)
    yield page
    context.close()
    assert mistakes == []


def sign_up(page: Page, site: house.House, email: str) -> None:
    """Open an account and confirm it by the link in the mail."""
    page.goto("/")
    page.get_by_role("link", name="Sign up").first.click()
    page.locator("#id_email").fill(email)
    page.locator("#id_password1").fill(PASSWORD)
    page.get_by_role("button", name="Open the account").click()
    expect(page.get_by_role("heading", name="mail")).to_be_visible()
    link = site.link_in_mail(email, r"http://\S+/confirm-email/\S+")
    page.goto(link)
    page.get_by_role("button", name="confirm").click()
    expect(page).to_have_url(re.compile("/create$"))


def buy(page: Page, pack: str = "25") -> None:
    """Buy a pack on the sandbox's Checkout page."""
    page.goto("/billing")
    page.locator(f"label:has(#id_pack_{pack})").click()
    page.locator("#buy").click()
    expect(page).to_have_url(re.compile("/pay/"))
    page.get_by_role("button", name=re.compile("^Pay")).click()
    expect(page).to_have_url(re.compile("/billing$"))
    expect(page.locator("#balance")).to_contain_text(f"${pack}.00")


def ask_for_film(page: Page, picture: Path, prompt: str = "") -> None:
    """Fill in the playground for 1080p and 5 s, and press only at the right price."""
    page.goto("/create")
    page.locator("input[type=file]").set_input_files(picture)
    page.locator("label:has(input[value='1080p'])").click()
    page.locator("#id_duration").fill("5")
    page.locator("#id_prompt").fill(prompt)
    expect(page.locator("#price")).to_have_text("$0.945")
    page.locator("#make").click()
    expect(page).to_have_url(re.compile("/films/"))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A JPEG on disk."""
    path = tmp_path / "disc.jpg"
    path.write_bytes(draw(960, 640))
    return path


def test_a_new_customer_signs_up_buys_and_watches_a_film(
    page: Page, site: house.House, picture: Path
) -> None:
    sign_up(page, site, "dora@example.org")
    buy(page)
    ask_for_film(page, picture)

    # The page asks for its own progress: no reload happens, or this mark would be gone.
    page.evaluate("window.sameDocument = true")
    film = page.locator("#film")
    expect(film).to_have_attribute("data-status", "processing", timeout=FILM_SECONDS_MAX * 1000)
    expect(film).to_have_attribute("data-status", "completed", timeout=FILM_SECONDS_MAX * 1000)
    assert page.evaluate("window.sameDocument") is True
    expect(page.locator("#balance")).to_contain_text("$24.055")

    played = page.locator("video").evaluate(
        """async video => {
            video.muted = true;
            await video.play();
            video.currentTime = 4;
            await new Promise(done => video.addEventListener("seeked", done, {once: true}));
            return [video.videoWidth, video.videoHeight, video.duration, video.currentTime >= 4];
        }"""
    )
    assert played[:2] == [1620, 1080]
    assert played[2] == pytest.approx(5, abs=1 / 24)
    assert played[3] is True

    page.goto("/gallery")
    expect(page.locator("a[href^='/films/'] img").first).to_be_visible()

    page.goto("/billing")
    rows = page.locator("#statement tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("-$0.945")
    expect(rows.nth(0)).to_contain_text("$24.055")
    expect(rows.nth(1)).to_contain_text("+$25.00")
    assert site.audit()["ok"] is True


def test_a_failing_job_costs_nothing(page: Page, site: house.House, picture: Path) -> None:
    sign_up(page, site, "emil@example.org")
    buy(page)
    ask_for_film(page, picture, prompt="[fail]")

    expect(page.locator("#film")).to_have_attribute(
        "data-status", "failed", timeout=FILM_SECONDS_MAX * 1000
    )
    expect(page.locator("#film")).to_contain_text("You were not charged")
    expect(page.locator("#balance")).to_contain_text("$25.00")

    page.goto("/billing")
    expect(page.locator("#statement tbody tr")).to_have_count(1)
    audit = site.audit()
    assert (audit["ok"], audit["held"]) == (True, "0.00")
