"""From the landing page to the first film: by keyboard alone, counted; and without any script."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests import house
from tests.journeys.visitor import PASSWORD, await_film, pay, sign_up

pytestmark = pytest.mark.xdist_group("house")

STEPS_MAX = 12
TABS_MAX = 80
PLAYS = """film => new Promise(done => {
    film.addEventListener("timeupdate", () => film.currentTime > 0.2 && done());
})"""


@dataclass
class Typist:
    """Somebody with a keyboard and no mouse; every field filled and every key that acts counts."""

    page: Page
    steps: int = 0

    def go_to(self, place: Locator) -> None:
        """Press Tab until the place has the focus, which must be seen."""
        expect(place).to_be_visible()
        for _ in range(TABS_MAX):
            self.page.keyboard.press("Tab")
            if place.evaluate("place => place === document.activeElement"):
                return
        raise AssertionError(f"{place} is out of reach for a keyboard")

    def press(self, place: Locator, key: str = "Enter") -> None:
        """Go there and press the key."""
        self.go_to(place)
        self.steps += 1
        self.page.keyboard.press(key)

    def write(self, place: Locator, words: str) -> None:
        """Go there, unless the page put the focus there already, and type."""
        if not place.evaluate("place => place === document.activeElement"):
            self.go_to(place)
        self.steps += 1
        self.page.keyboard.type(words)

    def choose(self, place: Locator, picture: Path) -> None:
        """Go there and choose a file."""
        self.go_to(place)
        self.steps += 1
        with self.page.expect_file_chooser() as chooser:
            self.page.keyboard.press("Space")
        chooser.value.set_files(picture)


def test_by_keyboard_the_first_film_plays_after_at_most_twelve_steps(
    page: Page, site: house.House, picture: Path
) -> None:
    typist, email = Typist(page), "kira@example.org"
    page.goto("/")
    typist.press(page.get_by_role("link", name="Make a film").first)
    typist.write(page.locator("#id_email"), email)
    typist.write(page.locator("#id_password1"), PASSWORD)
    page.keyboard.press("Enter")
    typist.steps += 1
    expect(page.get_by_role("heading", name="mail")).to_be_visible()
    page.goto(site.link_in_mail(email, r"http://\S+/confirm-email/\S+"))
    typist.steps += 1
    typist.press(page.get_by_role("button", name="confirm"))
    expect(page).to_have_url(re.compile("/create$"))

    typist.press(page.get_by_role("link", name="Add credit"))
    typist.press(page.locator("#buy"))
    expect(page).to_have_url(re.compile("/pay/"))
    typist.press(page.get_by_role("button", name=re.compile("^Pay")))
    # Who left a film half asked for comes back to it.
    expect(page).to_have_url(re.compile("/create"))
    typist.choose(page.locator("input[type=file]"), picture)
    typist.press(page.locator("#make"))
    await_film(page)
    typist.press(page.locator("video"), "Space")
    page.locator("video").evaluate(PLAYS)
    assert typist.steps <= STEPS_MAX


@pytest.fixture
def plain(chromium: Browser, site: house.House) -> Iterator[Callable[[], Page]]:
    """A browser in which no script runs."""
    context = chromium.new_context(base_url=site.url, java_script_enabled=False)
    yield context.new_page
    context.close()


def test_without_script_one_signs_up_buys_makes_watches_and_downloads(
    plain: Callable[[], Page], site: house.House, picture: Path
) -> None:
    page = plain()
    sign_up(page, site, "nora@example.org")
    page.locator("input[type=file]").set_input_files(picture)
    page.locator("#id_prompt").fill("A disc that rolls")
    page.locator("#make").click()
    expect(page.locator("#missing")).to_contain_text("is missing. Nothing was charged.")

    page.locator("#missing").get_by_role("link", name="Add credit").click()
    page.locator("#buy").click()
    pay(page)
    # The words and the picture are still there.
    expect(page.locator("#id_prompt")).to_have_value("A disc that rolls")
    page.locator("#make").click()
    expect(page).to_have_url(re.compile("/films/"))
    film = page.url

    def ready() -> bool | None:
        page.goto(film)
        return page.locator("#film[data-status='completed']").count() == 1 or None

    house.wait_for(ready)
    expect(page.locator("video")).to_have_attribute("controls", "")
    with page.expect_download() as download:
        page.locator("#download").click()
    assert b"ftyp" in download.value.path().read_bytes()[:12]
