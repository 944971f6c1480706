"""A team comes together by a mail, and a passkey opens the door without a password."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import house
from tests.journeys import visitor

pytestmark = pytest.mark.xdist_group("house")

# What a phone or laptop with a fingerprint does, without one.
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_colleague_joins_by_the_mail(
    site: house.House, come_in: Callable[[], Page], page: Page
) -> None:
    visitor.sign_up(page, site, "studio@example.org")
    page.goto("/account/team")
    page.locator("#id_email").fill("colleague@example.org")
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.locator("#invitations")).to_contain_text("colleague@example.org")

    link = site.link_in_mail("colleague@example.org", r"http://\S+/account/invitation/[\w-]+")
    other = come_in()
    other.goto(link)
    other.get_by_role("link", name="Open an account").click()
    expect(other.locator("#id_email")).to_have_value("colleague@example.org")
    other.locator("#id_password1").fill(visitor.PASSWORD)
    other.get_by_role("button", name="Open the account").click()
    other.get_by_role("button", name="Join the team").click()
    expect(other.locator("#notices")).to_contain_text("Welcome to studio@example.org.")
    other.goto("/account/team")
    expect(other.locator("#members")).to_contain_text("studio@example.org")

    page.reload()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("dialog")).to_contain_text("colleague has no API keys here.")
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator("#members")).not_to_contain_text("colleague@example.org")


def test_a_passkey_opens_the_door(site: house.House, page: Page) -> None:
    visitor.sign_up(page, site, "finger@example.org")
    # A passkey belongs to a name, and an address of numbers is none.
    named = site.url.replace("127.0.0.1", "localhost")
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    page.goto(f"{named}/account/login/")
    page.locator("#id_login").fill("finger@example.org")
    page.locator("#id_password").fill(visitor.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile("/create$"))

    page.goto(f"{named}/account/2fa/webauthn/add/")
    page.locator("#id_password").fill(visitor.PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.locator("#id_name").fill("My phone")
    page.locator("#id_passwordless").check()
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.locator("#recovery_codes li")).to_have_count(10)

    page.goto(f"{named}/account/logout/")
    page.locator("main").get_by_role("button", name="Log out").click()
    page.goto(f"{named}/account/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile("/create$"))
