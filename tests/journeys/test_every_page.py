"""Every page, in and out: open to everyone (WCAG 2.2 AA), within its policy, no wider than a phone.

One load of each serves all three: first as a dark desktop, then as a light phone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from tests import axe, house, tour
from tests.journeys.visitor import ANSWERED_NO

pytestmark = pytest.mark.xdist_group("house")

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
NEEDED = {"default-src", "script-src", "style-src", "base-uri", "frame-ancestors"}
OWN_SOURCES = {"'self'", "'none'", "data:", "blob:"}
FILMS = [tour.Film("dunes", "The wind takes the sand"), tour.Film("sea", "A sail [fail]")]

# Whether a list of pages that is wider than the screen hides where one is.
CURRENT_OUT_OF_SIGHT = """
[...document.querySelectorAll("nav [aria-current=page]")]
    .map((link) => link.getBoundingClientRect())
    .some((box) => box.left < 0 || box.right > innerWidth)
"""


@dataclass
class Walk:
    """A visitor who looks at one page after the other and writes down what is wrong."""

    page: Page
    stripe: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._note(str(error)))

    def visit(self, stop: tour.Stop, look: Callable[["Walk"], None]) -> None:
        """Open the page, check its policy, and look at it in both themes and sizes."""
        answer = self.page.goto(stop.address)
        assert answer is not None
        self.wrong += [f"{stop.address}: {word}" for word in loose_words(answer, self.stripe)]
        for size, theme in ((DESKTOP, "dark"), (PHONE, "light")):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            look(self)

    def _hear(self, line: ConsoleMessage) -> None:
        # A link that is too old is answered 410, with a page that says so.
        if line.type == "error" and not line.text.startswith(ANSWERED_NO):
            self._note(line.text)

    def _note(self, words: str) -> None:
        self.wrong.append(f"{self.page.url}: {words}")


def loose_words(answer: Response, stripe: str) -> list[str]:
    """Return what a page's policy allows beyond our own files, and Stripe's pages for its forms."""
    header = answer.headers.get("content-security-policy", "")
    policy = {name: set(sources) for name, *sources in map(str.split, header.split(";")) if name}
    allowed = dict.fromkeys(policy, OWN_SOURCES) | {
        "form-action": OWN_SOURCES | {stripe},
        "script-src": {"'self'"},
        "style-src": {"'self'"},
    }
    loose = [f"{name} {words - allowed[name]}" for name, words in policy.items()]
    missing = {"default-src", "script-src", "style-src", "base-uri", "frame-ancestors"} - set(
        policy
    )
    return [line for line in loose if not line.endswith(" set()")] + sorted(missing)


def look_closely(walk: Walk) -> None:
    """Ask axe, and whether the page is wider than the screen."""
    page = walk.page
    walk.wrong += [f"{page.url}: {found}" for found in axe.violations(page)]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        walk.wrong.append(f"{page.url}: wider than {page.viewport_size}")
    if page.evaluate(CURRENT_OUT_OF_SIGHT):
        walk.wrong.append(f"{page.url}: its own link is out of sight at {page.viewport_size}")


@pytest.fixture(scope="module")
def resident(site: house.House) -> tour.Resident:
    """Somebody from the staff, with films, one of them failed."""
    somebody = tour.Resident(site, "rosa@example.org", FILMS)
    somebody.move_in()
    return somebody


@pytest.fixture(scope="module")
def context(chromium: Browser, site: house.House) -> Iterator[BrowserContext]:
    """A browser of its own."""
    context = chromium.new_context(base_url=site.url, reduced_motion="reduce")
    yield context
    context.close()


def test_every_page_is_open_to_everyone_and_keeps_to_its_policy(
    context: BrowserContext, chromium: Browser, site: house.House, resident: tour.Resident
) -> None:
    # The sandbox stands in for Stripe here.
    stripe = f"http://127.0.0.1:{site.environment['SANDBOX_PORT']}"
    walk = Walk(context.new_page(), stripe)
    for stop in (outside := tour.stops(context)):
        walk.visit(stop, look_closely)

    inside = chromium.new_context(base_url=site.url, reduced_motion="reduce")
    page = inside.new_page()
    resident.sign_in(page)
    resident.furnish(page)
    rooms = tour.stops(inside)
    assert tour.forgotten(inside, rooms) == set()
    signed_in = Walk(page, stripe)
    # What a visitor sees too differs by its header only; the first page stands for them.
    for stop in [rooms[0], *(stop for stop in rooms if stop not in outside)]:
        signed_in.visit(stop, look_closely)
    inside.close()
    assert len(rooms) > len(outside) > 10
    assert walk.wrong + signed_in.wrong == []
