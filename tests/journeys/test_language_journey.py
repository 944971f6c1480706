"""Somebody who reads Chinese comes to an English page, and needs no script to read on."""

import pytest
from playwright.sync_api import Browser, expect

from tests import axe, house

pytestmark = pytest.mark.xdist_group("house")

PHONE = {"width": 390, "height": 844}
PAGES = ("/", "/docs/submit", "/docs/api", "/account/signup/", "/terms")


def test_the_switch_keeps_the_page_and_works_without_script(
    chromium: Browser, site: house.House
) -> None:
    context = chromium.new_context(base_url=site.url, locale="en-US", java_script_enabled=False)
    page = context.new_page()
    page.goto("/docs/webhook?from=a-friend")
    expect(page.locator("html")).to_have_attribute("lang", "en")

    page.get_by_role("button", name="简体中文").click()
    page.wait_for_url("**/docs/webhook?from=a-friend")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.get_by_role("link", name="登录")).to_be_visible()

    page.goto("/account/login/")
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    context.close()


def test_chinese_pages_are_open_to_everyone_and_fit_a_phone(
    chromium: Browser, site: house.House
) -> None:
    context = chromium.new_context(
        base_url=site.url,
        locale="zh-CN",
        reduced_motion="reduce",
        viewport=PHONE,  # type: ignore[arg-type]
    )
    page, wrong = context.new_page(), []
    for address in PAGES:
        page.goto(address)
        wrong += [f"{address}: {found}" for found in axe.violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{address}: wider than a phone")
    context.close()
    assert wrong == []
