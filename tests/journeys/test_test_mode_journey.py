"""Test mode, from its switch to a film: in a browser, and by WaveSpeed's client with a test key."""

from decimal import Decimal
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect
from wavespeed import Client  # type: ignore[import-untyped]  # the package has no types

from tests import house
from tests.journeys.visitor import ask_for_film, await_film, sign_up

MODEL = "alibaba/happyhorse-1.1/image-to-video"
BAR = "#test-bar"

pytestmark = pytest.mark.xdist_group("house")


def switch(page: Page) -> None:
    """Press the switch in the menu of the account."""
    page.locator("details.wide-only > summary").click()
    page.locator("details.wide-only button[role=switch]").click()


def test_a_developer_tries_everything_for_nothing_and_then_goes_live(
    page: Page, site: house.House, picture: Path
) -> None:
    sign_up(page, site, "tess@example.org")
    expect(page.locator(BAR)).to_have_count(0)
    before = site.audit()
    switch(page)
    expect(page.locator(BAR)).to_contain_text("nothing here costs money")
    expect(page.locator("#balance")).to_contain_text("$100.00")

    # By the website.
    ask_for_film(page, picture, "[short] a disc that rolls away")
    await_film(page)
    expect(page.locator("#shortfall")).to_contain_text("1 second shorter")
    expect(page.locator("#balance")).to_contain_text("$99.244")

    # By a program.
    page.goto("/account/keys")
    page.locator("#id_name").fill("my tests")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_text("gal_test_").first).to_be_visible()
    secret = page.locator("#secret").inner_text()
    client = Client(api_key=secret, base_url=site.url)
    image = client.upload(str(picture))
    asked = {"image": image, "prompt": "a disc", "resolution": "720p", "duration": 3}
    [output] = client.run(MODEL, asked)["outputs"]
    film = requests.get(output, timeout=10)
    assert film.headers["Content-Type"] == "video/mp4"
    assert film.content[4:8] == b"ftyp"
    with pytest.raises(RuntimeError, match="safety check refused"):
        client.run(MODEL, {**asked, "prompt": "[moderated]"})

    page.goto("/gallery")
    expect(page.locator("#films .card")).to_have_count(2)
    page.goto("/billing")
    expect(page.locator("#available")).to_have_text("$98.824")

    # Live, nothing of it was ever there.
    page.get_by_role("button", name="Leave test mode").click()
    expect(page.locator(BAR)).to_have_count(0)
    expect(page.locator("#available")).to_have_text("$0.00")
    page.goto("/gallery")
    expect(page.locator("#films .card")).to_have_count(0)
    after = site.audit()
    assert after["ok"] is True
    assert after["operator"] == before["operator"]
    assert after["balance"] == before["balance"]
    earned = [Decimal(one["test"]["operator"]["test_revenue"]) for one in (before, after)]
    assert earned[1] - earned[0] == Decimal("1.176")
