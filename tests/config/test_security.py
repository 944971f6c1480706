"""What every answer tells the browser, and that our pages keep to it."""

import re

import pytest
from django.conf import settings as site
from django.test import Client
from pytest_django import Settings

from tests.cast import PASSWORD, Customer

PAGES = (
    "/",
    "/docs",
    "/docs/api",
    "/docs/webhook",
    "/create",
    "/gallery",
    "/billing",
    "/account/keys",
    "/account/profile",
)
ENTRANCES = ("/account/login/", "/account/signup/", "/account/password/reset/", "/nothing")

# What the policy would block: a script or style in the page, a handler in an attribute.
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>")
INLINE_STYLE = re.compile(r"<style\b|\sstyle=[\"']")
INLINE_HANDLER = re.compile(r"<[^>]+\son[a-z]+=[\"']")
FOREIGN_FILE = re.compile(
    r"<(?:script|link|img|video|source|iframe)[^>]+(?:src|href)=\"(?:https?:)?//"
)

pytestmark = pytest.mark.django_db


def policy_of(path: str, browser: Client) -> dict[str, list[str]]:
    """The policy of an answer, as directive and sources."""
    header = browser.get(path)["Content-Security-Policy"]
    return {name: sources for name, *sources in (part.split() for part in header.split(";"))}


@pytest.mark.parametrize("path", ["/", "/account/login/", "/nothing", "/healthz"])
def test_every_answer_has_a_policy_without_inline_code(path: str) -> None:
    policy = policy_of(path, Client())
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]


@pytest.mark.parametrize("path", ["/api/nothing", "/api/v3/balance"])
def test_a_browser_may_make_nothing_of_an_answer_to_a_program(path: str) -> None:
    policy = policy_of(path, Client())
    assert set(policy) == {"default-src", "form-action", "base-uri", "frame-ancestors"}
    assert all(sources == ["'none'"] for sources in policy.values())


def test_the_buy_form_may_lead_to_checkout_and_nowhere_else() -> None:
    assert policy_of("/", Client())["form-action"] == ["'self'", site.CHECKOUT_ORIGIN]


def test_only_the_admin_may_use_inline_code(alice: Customer) -> None:
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save(update_fields=["is_staff", "is_superuser"])
    policy = policy_of("/admin/", alice.browser)
    assert "'unsafe-inline'" in policy["script-src"]
    assert policy["default-src"] == policy["form-action"] == ["'self'"]
    assert "'unsafe-inline'" not in policy_of("/administration", alice.browser)["script-src"]


@pytest.mark.parametrize("path", ["/", "/api/v3/balance", "/account/login/"])
def test_answers_are_not_framed_not_guessed_and_leak_no_address(path: str) -> None:
    answer = Client().get(path)
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("path", PAGES)
def test_a_customers_page_keeps_to_the_policy(alice: Customer, path: str) -> None:
    keeps_to_the_policy(alice.browser, path)


@pytest.mark.parametrize("path", ENTRANCES)
def test_a_visitors_page_keeps_to_the_policy(path: str) -> None:
    keeps_to_the_policy(Client(), path)


def keeps_to_the_policy(browser: Client, path: str) -> None:
    page = browser.get(path).content.decode()
    assert "</html>" in page
    for forbidden in (INLINE_SCRIPT, INLINE_STYLE, INLINE_HANDLER, FOREIGN_FILE):
        assert forbidden.findall(page) == [], path


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/api/v3/balance", 401)])
def test_a_public_site_leads_to_https_and_asks_browsers_to_stay_there(
    settings: Settings, path: str, status: int
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    plain = Client().get(path)
    assert (plain.status_code, plain["Location"]) == (301, f"https://testserver{path}")
    behind_a_proxy = Client().get(path, headers={"X-Forwarded-Proto": "https"})
    assert behind_a_proxy.status_code == status
    lasting = "max-age=31536000; includeSubDomains; preload"
    assert behind_a_proxy["Strict-Transport-Security"] == lasting


@pytest.mark.parametrize("path", ["/", "/api/v3/balance"])
def test_a_forged_host_is_refused(path: str) -> None:
    answer = Client().get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/api/v3/balance", "/api/schema", "/api/nowhere"])
def test_an_answer_says_how_long_it_is(path: str) -> None:
    answer = Client().get(path)
    assert answer["Content-Length"] == str(len(answer.content))


def test_the_session_is_out_of_reach_for_scripts(alice: Customer) -> None:
    answer = Client().post("/account/login/", {"login": alice.user.email, "password": PASSWORD})
    cookie = answer.cookies[site.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
