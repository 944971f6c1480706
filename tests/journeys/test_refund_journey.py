"""Money that goes back, is disputed, is declined or comes late: what a customer sees of it."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from config.settings import STRIPE_PLAY_KEY
from tests import house
from tests.journeys.visitor import (
    PASSWORD,
    ask_for_film,
    await_film,
    buy,
    fill_in_film,
    go_to_checkout,
    pay,
    sign_up,
)

pytestmark = pytest.mark.xdist_group("house")

OPERATOR = "operator@example.org"
REASON = "The first film came out upside down"
DECLINED = "4000000000000002"
SETTLES_LATE = "4000000000010001"


@pytest.fixture(scope="module")
def operator(site: house.House) -> str:
    """Somebody who may sign in to the admin; the address."""
    site.manage("open_account", OPERATOR, "--staff", "--password", PASSWORD)
    return OPERATOR


def control(site: house.House, path: str, **fields: str) -> Any:
    """Use the control surface of the site's sandbox; its answer."""
    url = f"http://127.0.0.1:{site.environment['SANDBOX_PORT']}/v1/_sandbox/{path}"
    answer = httpx.post(url, data=fields, auth=(STRIPE_PLAY_KEY, ""))
    return answer.raise_for_status().json()


@contextmanager
def webhooks_held(site: house.House) -> Iterator[None]:
    """Have the site hear nothing from Stripe until the block ends."""
    control(site, "hold", held="true")
    try:
        yield
    finally:
        control(site, "hold", held="false")


def refund(page: Page, email: str, session: str, dollars: str) -> None:
    """Sign in to the admin and give back a part of the purchase that this session paid."""
    page.goto("/admin/")
    page.locator("#id_login").fill(email)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto(f"/admin/billing/purchase/?q={session}")
    page.locator("#result_list a[href*='/change/']").first.click()
    page.get_by_role("link", name="Refund", exact=True).click()
    expect(page.locator("form", has=page.locator("#id_reason"))).to_contain_text(
        "$25.00 of it can be refunded"
    )
    page.locator("#id_amount").fill(dollars)
    page.locator("#id_reason").fill(REASON)
    page.get_by_role("button", name="Refund", exact=True).click()
    expect(page.get_by_text(f"${dollars} of credit was taken back")).to_be_visible()


def await_on_billing(page: Page, look: Callable[[], bool]) -> None:
    """Open the billing page again and again until what an event brings stands there."""

    def found() -> bool | None:
        page.goto("/billing")
        return look() or None

    house.wait_for(found)


def first_line(page: Page) -> Locator:
    """The newest line of the statement."""
    return page.locator("#statement tbody tr").first


def assert_books_are_right(site: house.House) -> None:
    """Our own books add up, and Stripe's say the same."""
    audit = site.audit()
    assert (audit["ok"], audit["held"]) == (True, "0.00")
    report = json.loads(site.manage("reconcile_stripe").splitlines()[-1])
    assert (report["ok"], report["differences"]) == (True, 0)


def take_away(page: Page, button: str) -> bytes:
    """Press a button that downloads; what came."""
    with page.expect_download() as download:
        page.locator(button).click()
    return download.value.path().read_bytes()


def test_a_refund_stands_on_the_statement_and_can_be_taken_away(
    page: Page, come_in: Callable[[], Page], site: house.House, operator: str
) -> None:
    sign_up(page, site, "vera@example.org")
    session = buy(page)
    refund(come_in(), operator, session, "10.00")

    page.goto("/billing")
    expect(page.locator("#available")).to_have_text("$15.00")
    expect(page.locator("#balance")).to_contain_text("$15.00")
    expect(page.locator("#statement tbody tr")).to_have_count(2)
    for words in ("Refund to your card", "of $25.00 bought on", "-$10.00", "$15.00"):
        expect(first_line(page)).to_contain_text(words)
    # The reason is the operator's own note.
    expect(page.locator("body")).not_to_contain_text(REASON)

    rows = list(csv.reader(take_away(page, "#csv").decode("utf-8-sig").splitlines()))
    assert [row[3:5] for row in rows[1:]] == [["25.00", "25.00"], ["-10.00", "15.00"]]
    assert take_away(page, "#pdf").startswith(b"%PDF-")
    assert_books_are_right(site)


def test_a_dispute_pauses_spending_until_it_is_won(
    page: Page, site: house.House, picture: Path
) -> None:
    sign_up(page, site, "wim@example.org")
    session = buy(page)
    dispute = control(site, f"payments/{session}/dispute", amount="1000")
    frozen = page.locator("#frozen")
    await_on_billing(page, lambda: frozen.count() == 1)
    expect(frozen).to_contain_text("Spending is paused because a payment")
    expect(frozen).to_contain_text("disputed at its bank")
    expect(page.locator("#available")).to_have_text("$15.00")
    expect(first_line(page)).to_contain_text("-$10.00")

    fill_in_film(page, picture, "A disc that rolls")
    expect(page.locator("#main")).to_contain_text("Spending is paused")
    expect(page).to_have_url(re.compile("/create$"))
    expect(page.locator("#id_prompt")).to_have_value("A disc that rolls")

    control(site, f"disputes/{dispute['id']}", status="won")
    await_on_billing(page, lambda: frozen.count() == 0)
    expect(page.locator("#available")).to_have_text("$25.00")
    expect(first_line(page)).to_contain_text("+$10.00")
    ask_for_film(page, picture)
    await_film(page)
    expect(page.locator("#balance")).to_contain_text("$24.055")
    assert_books_are_right(site)


def test_a_declined_card_credits_nothing_and_another_one_may_be_tried(
    page: Page, site: house.House
) -> None:
    sign_up(page, site, "xenia@example.org")
    go_to_checkout(page)
    checkout = page.url
    pay(page, DECLINED)
    expect(page.get_by_role("alert")).to_contain_text("Your card was declined.")
    page.goto("/billing")
    expect(page.locator("#available")).to_have_text("$0.00")
    expect(page.locator("#statement-part")).to_contain_text("Nothing yet.")

    page.goto(checkout)
    pay(page)
    expect(page).to_have_url(re.compile("/billing$"))
    expect(page.locator("#available")).to_have_text("$25.00")
    assert_books_are_right(site)


def test_a_late_payment_is_credited_though_the_buyer_never_comes_back(
    page: Page, site: house.House
) -> None:
    sign_up(page, site, "yves@example.org")
    session = go_to_checkout(page)
    entry: dict[str, str | float | bool] = {
        "email": "yves@example.org",
        "number": SETTLES_LATE,
        "expiry": "12/34",
        "cvc": "123",
    }
    # The window closes on the way back: the payment is made, the return page never asked for.
    with webhooks_held(site):
        answer = page.request.post(page.url, form=entry, max_redirects=0)
        assert answer.status == 303
        control(site, f"payments/{session}/settle")
        page.goto("/billing")
        expect(page.locator("#available")).to_have_text("$0.00")
    available = page.locator("#available")
    await_on_billing(page, lambda: available.text_content() == "$25.00")
    expect(first_line(page)).to_contain_text("+$25.00")
    assert_books_are_right(site)
