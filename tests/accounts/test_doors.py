"""Security: the second step, sessions, tries that are counted, and answers that tell nothing."""

import html
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.test import Client
from pytest_django import Settings

from accounts import second_step
from config import visitors
from tests.accounts.test_sign_in import LOG_IN, RESET, sign_in
from tests.accounts.test_sign_up import sign_up
from tests.cast import PASSWORD, Customer


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def confirmed(customer: Customer) -> Client:
    """A browser in which the password was typed just now, twice."""
    browser = Client()
    sign_in(browser, customer.user.email)
    browser.post("/account/reauthenticate/", {"password": PASSWORD})
    return browser


def code_of(secret: str) -> str:
    return str(
        totp.format_hotp_value(
            totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time())))
        )
    )


def with_app(customer: Customer) -> tuple[Client, str]:
    """Switch an authenticator app on; the browser and the app's secret."""
    browser = confirmed(customer)
    page = shown(browser.get("/account/2fa/totp/activate/"))
    found = re.search(r'id="authenticator_secret"[^>]*>(\w+)<', page)
    assert found is not None
    browser.post("/account/2fa/totp/activate/", {"code": code_of(found[1])})
    return browser, found[1]


def test_the_app_is_asked_for_after_the_password(
    transactional_db: None, alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    with_app(alice)
    assert "Your authenticator app is on" in {mail.subject for mail in mailoutbox}
    browser = Client()
    assert sign_in(browser, alice.user.email)["Location"] == "/account/2fa/authenticate/"
    assert browser.get("/account/profile").status_code == 302, "not in yet"
    answer = browser.post("/account/2fa/authenticate/", {"code": "000000"})
    assert "Incorrect code." in shown(answer)
    assert browser.get("/account/profile").status_code == 302


def test_a_recovery_code_opens_the_door_once(alice: Customer) -> None:
    browser, _ = with_app(alice)
    page = shown(browser.get("/account/2fa/recovery-codes/"))
    codes = re.findall(r"<li>(\w{8})</li>", page)
    assert len(codes) == 10
    for wanted in ("/create", None):
        again = Client()
        sign_in(again, alice.user.email)
        answer = again.post("/account/2fa/authenticate/", {"code": codes[0]})
        assert answer.headers.get("Location") == wanted


def test_the_database_keeps_no_readable_secret(alice: Customer) -> None:
    _, secret = with_app(alice)
    kept = str(list(Authenticator.objects.values("data")))
    assert secret not in kept
    sealed = Authenticator.objects.get(type="totp").data["secret"]
    assert second_step.Adapter().decrypt(sealed) == secret


def test_a_second_step_sealed_under_a_lost_key_lets_nobody_in(
    alice: Customer, settings: Settings
) -> None:
    with_app(alice)
    sealed = Authenticator.objects.get(type="totp").data["secret"]
    settings.SECRET_KEY = "another-key-of-the-house-that-is-long-enough-to-be-one"
    first, second = (second_step.Adapter().decrypt(sealed) for _ in "12")
    assert len(first) == 32
    assert first != second


@pytest.mark.parametrize(
    "path",
    [
        "/account/2fa/totp/activate/",
        "/account/2fa/webauthn/add/",
        "/account/delete",
    ],
)
def test_what_changes_the_doors_asks_for_the_password_again(alice: Customer, path: str) -> None:
    answer = alice.browser.get(path)
    assert (answer.status_code, "/account/reauthenticate/" in answer["Location"]) == (302, True)


def test_another_address_is_added_only_with_the_password(alice: Customer) -> None:
    answer = alice.browser.post("/account/email/", {"email": "thief@example.org", "action_add": ""})
    assert "/account/reauthenticate/" in answer["Location"]
    assert alice.user.emailaddress_set.count() == 1


def test_all_other_sessions_end_by_one_button(alice: Customer) -> None:
    here, there = Client(), Client()
    for browser in (here, there):
        sign_in(browser, alice.user.email)
    assert UserSession.objects.count() == 2
    assert "Log out everywhere else" in shown(here.get("/account/sessions/"))
    here.post("/account/sessions/")
    assert here.get("/account/profile").status_code == 200
    assert there.get("/account/profile").status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        *("/account/2fa/", "/account/sessions/", "/account/2fa/webauthn/"),
        *("/account/password/change/", "/account/email/"),
    ],
)
def test_the_pages_are_in_our_design(alice: Customer, path: str) -> None:
    page = shown(alice.browser.get(path))
    assert 'class="rooms__nav"' in page
    assert re.search(r"<script(?![^>]*(src=|application/json))", page) is None
    assert " style=" not in page


# Tries are counted.


def test_sign_up_is_slowed_down_for_one_address_of_the_net(db: None) -> None:
    answers = [sign_up(Client(), f"dora{n}@example.org").status_code for n in range(12)]
    assert answers[0] == 302
    assert answers[-1] == 429


def test_reset_mails_to_one_address_are_few(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    for number in range(9):
        Client(REMOTE_ADDR=f"192.0.2.{number}").post(RESET, {"email": alice.user.email})
    assert len(mailoutbox) == 5


def test_reset_mails_from_one_address_of_the_net_are_few(
    db: None, mailoutbox: list[EmailMessage]
) -> None:
    answers = [Client().post(RESET, {"email": f"n{n}@example.org"}).status_code for n in range(12)]
    assert answers[-1] == 429
    assert len(mailoutbox) == 10


def test_a_forged_header_gives_no_new_tries(alice: Customer) -> None:
    answers = [
        Client(headers={"X-Forwarded-For": f"192.0.2.{n}"})
        .post(LOG_IN, {"login": f"n{n}@example.org", "password": "a-wrong-word"})
        .content
        for n in range(12)
    ]
    assert b"Too many failed login attempts" in answers[-1]


def test_visitors_behind_our_proxy_are_counted_one_by_one(
    alice: Customer, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = visitors.networks(["127.0.0.1"])
    for n in range(12):
        browser = Client(headers={"X-Forwarded-For": f"192.0.2.{n}"})
        sign_in(browser, f"n{n}@example.org", "a-wrong-word")
    fresh = Client(headers={"X-Forwarded-For": "192.0.2.200"})
    assert sign_in(fresh, alice.user.email).status_code == 302
    assert UserSession.objects.get().ip == "192.0.2.200"


def test_codes_cannot_be_guessed_through(alice: Customer) -> None:
    with_app(alice)
    browser = Client()
    sign_in(browser, alice.user.email)
    pages = [
        shown(browser.post("/account/2fa/authenticate/", {"code": f"{n:06}"})) for n in range(12)
    ]
    assert "Too many" in pages[-1]


# Mails.


@pytest.mark.parametrize("what", ["sign up", "reset", "unknown", "again"])
def test_the_mails_of_the_doors_say_the_same_in_both_forms(
    alice: Customer, mailoutbox: list[EmailMultiAlternatives], what: str
) -> None:
    if what == "sign up":
        sign_up(Client())
    elif what == "again":
        sign_up(Client(), alice.user.email)
    else:
        known = what == "reset"
        Client().post(RESET, {"email": alice.user.email if known else "nobody@example.org"})
    (mail,) = mailoutbox
    (page, kind), *_ = mail.alternatives
    assert kind == "text/html"
    link = re.search(r"http\S+", str(mail.body))
    assert link is not None
    assert link[0] in html.unescape(str(page))
    assert "<script" not in str(page)
    assert "Gallop" in str(mail.body)
    assert "testserver" not in mail.subject
    assert "{" not in f"{mail.subject}{mail.body}"
