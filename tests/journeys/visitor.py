"""What every visitor does: opens an account, buys credit, asks for a film, waits for it."""

import re
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, expect

from tests import house

FILM_SECONDS_MAX = 60
PASSWORD = "walking-all-the-way"
# Chromium writes this about any answer of 400 and above, for example a declined card's 402.
ANSWERED_NO = "Failed to load resource"


def mistakes_in(line: ConsoleMessage) -> list[str]:
    """Return the line if it tells of a mistake of ours; a refusal by the payment page is none."""
    refusal = line.text.startswith(ANSWERED_NO) and "/pay/" in line.location["url"]
    return [line.text] if line.type == "error" and not refusal else []


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


def go_to_checkout(page: Page, pack: str = "25") -> str:
    """Choose a pack and go to the sandbox's Checkout page; return the session's id."""
    page.goto("/billing")
    page.locator(f"label:has(#id_pack_{pack})").click()
    page.locator("#buy").click()
    expect(page).to_have_url(re.compile("/pay/"))
    return page.url.rpartition("/")[2]


def pay(page: Page, number: str = "") -> None:
    """Press Pay on the Checkout page, with another card than the one that stands there."""
    if number:
        page.locator("#number").fill(number)
    page.get_by_role("button", name=re.compile("^Pay")).click()


def buy(page: Page, pack: str = "25") -> str:
    """Buy a pack as the first credit of an account; return the Checkout session's id."""
    session = go_to_checkout(page, pack)
    pay(page)
    expect(page).to_have_url(re.compile("/billing$"))
    expect(page.locator("#balance")).to_contain_text(f"${pack}.00")
    return session


def fill_in_film(page: Page, picture: Path, prompt: str = "") -> None:
    """Fill in the playground for 1080p and 5 s, and press only at the right price."""
    page.goto("/create")
    page.locator("input[type=file]").set_input_files(picture)
    page.locator("label:has(input[value='1080p'])").click()
    page.locator("#id_duration").fill("5")
    page.locator("#id_prompt").fill(prompt)
    expect(page.locator("#price")).to_have_text("$0.945")
    page.locator("#make").click()


def ask_for_film(page: Page, picture: Path, prompt: str = "") -> None:
    """Ask for a film and come to its page."""
    fill_in_film(page, picture, prompt)
    expect(page).to_have_url(re.compile("/films/"))


def await_film(page: Page, status: str = "completed") -> None:
    """Stay on the film's page until it has this status."""
    expect(page.locator("#film")).to_have_attribute(
        "data-status", status, timeout=FILM_SECONDS_MAX * 1000
    )
