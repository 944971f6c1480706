"""A customer buys with a card that is saved, writes a rule, makes a film, and is topped up."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import house
from tests.journeys.visitor import ask_for_film, await_film, pay, sign_up

pytestmark = pytest.mark.xdist_group("house")

DECLINES_LATER = "4000000000000341"


def buy_and_save(page: Page, number: str = "") -> None:
    """Buy $10 and tick the box that saves the card."""
    page.goto("/billing")
    page.locator("label:has(#id_pack_10)").click()
    page.locator("#id_save_card").check()
    page.locator("#buy").click()
    page.wait_for_url("**/pay/**")
    pay(page, number)
    page.wait_for_url("**/billing")
    expect(page.locator("#balance")).to_contain_text("$10.00")


def write_rule(page: Page) -> None:
    """Top up $25 when there is less than $10."""
    page.locator("#top-up-terms summary").click()
    form = page.locator("#top-up-form")
    expect(form).to_contain_text("Charges your Visa ending in")
    form.locator("#id_threshold_micros").fill("10")
    form.locator("#id_amount_micros").fill("25")
    form.locator("#id_monthly_cap_micros").fill("50")
    form.get_by_role("button", name="Turn on").click()
    expect(page.locator("#top-up [data-state]")).to_have_text("On")


def await_top_up(page: Page, status: str) -> None:
    """Look at the billing page until a top-up with this status stands there."""

    def look() -> bool | None:
        page.goto("/billing")
        return page.locator(f"#top-ups [data-status='{status}']").count() == 1 or None

    house.wait_for(look)


def test_a_customer_saves_a_card_makes_a_film_and_is_topped_up(
    page: Page, site: house.House, picture: Path
) -> None:
    sign_up(page, site, "tora@example.org")
    buy_and_save(page)
    write_rule(page)
    ask_for_film(page, picture)
    await_film(page)
    await_top_up(page, "paid")
    expect(page.locator("#balance")).to_contain_text("$34.055")
    site.link_in_mail("tora@example.org", r"http://\S+/billing\b")

    page.get_by_text("Top-ups so far").click()
    page.locator("#top-ups").get_by_role("link", name="Paid").click()
    page.wait_for_url("**/pay/receipts/**")
    expect(page.locator("body")).to_contain_text("25.00")

    page.goto("/billing")
    page.get_by_role("button", name="Cards and invoices").click()
    page.wait_for_url("**/pay/portal/**")
    expect(page.locator("body")).to_contain_text("4242")
    audit = site.audit()
    assert (audit["ok"], audit["held"]) == (True, "0.00")


def test_a_declined_top_up_says_what_happened_and_what_to_do(
    page: Page, site: house.House, picture: Path
) -> None:
    sign_up(page, site, "ulla@example.org")
    buy_and_save(page, DECLINES_LATER)
    write_rule(page)
    ask_for_film(page, picture)
    await_film(page)
    await_top_up(page, "failed")
    told = page.locator("#top-up-told")
    expect(told).to_contain_text("We could not add $25.00: Your card was declined.")
    expect(told).to_contain_text("You were not charged.")
    expect(told).to_contain_text("save another card")
    assert site.audit()["ok"] is True
