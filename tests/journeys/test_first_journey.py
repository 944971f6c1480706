"""The whole way, as a new customer walks it: a real site, a real browser, real mail and films."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import house
from tests.journeys.visitor import ask_for_film, await_film, buy, sign_up

pytestmark = pytest.mark.xdist_group("house")


def test_a_new_customer_signs_up_buys_and_watches_a_film(
    page: Page, site: house.House, picture: Path
) -> None:
    sign_up(page, site, "dora@example.org")
    buy(page)
    ask_for_film(page, picture)

    # The page asks for its own progress: no reload happens, or this mark would be gone.
    page.evaluate("window.sameDocument = true")
    await_film(page, "processing")
    await_film(page, "completed")
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
    preview = page.locator(".card__media video")
    page.locator("#films .card").first.hover()
    seen = preview.evaluate(
        """async film => {
            await new Promise(done => {
                film.addEventListener("timeupdate", () => film.currentTime > 0.2 && done());
            });
            return [film.muted, film.loop, film.videoWidth];
        }"""
    )
    assert seen == [True, True, 480]
    page.mouse.move(0, 0)
    expect(preview).to_have_count(0)

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

    await_film(page, "failed")
    expect(page.locator("#film")).to_contain_text("You were not charged")
    expect(page.locator("#balance")).to_contain_text("$25.00")

    page.goto("/billing")
    expect(page.locator("#statement tbody tr")).to_have_count(1)
    audit = site.audit()
    assert (audit["ok"], audit["held"]) == (True, "0.00")
