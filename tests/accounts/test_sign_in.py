"""Signing in and out, and a forgotten password."""

from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from accounts.models import Account
from tests.accounts.test_sign_up import link_in
from tests.cast import PASSWORD, Customer

LOG_IN = "/account/login/"
RESET = "/account/password/reset/"
NEW_PASSWORD = "another-long-word"


def sign_in(browser: Client, email: str, password: str = PASSWORD, **extra: str) -> Any:
    return browser.post(LOG_IN, {"login": email, "password": password, **extra})


def test_address_and_password_lead_to_the_playground(alice: Customer) -> None:
    browser = Client()
    answer = sign_in(browser, alice.user.email)
    assert (answer.status_code, answer["Location"]) == (302, "/create")
    assert browser.get("/account/profile").status_code == 200


def test_the_address_may_be_typed_in_capitals(alice: Customer) -> None:
    assert sign_in(Client(), alice.user.email.upper()).status_code == 302


def test_sign_in_leads_back_to_the_page_that_asked_for_it(alice: Customer) -> None:
    answer = sign_in(Client(), alice.user.email, next="/billing")
    assert answer["Location"] == "/billing"


def test_sign_in_leads_to_no_foreign_site(alice: Customer) -> None:
    answer = sign_in(Client(), alice.user.email, next="https://evil.example/billing")
    assert answer["Location"] == "/create"


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
@pytest.mark.usefixtures("alice")
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(email: str) -> None:
    answer = sign_in(Client(), email, "a-wrong-long-word")
    assert answer.status_code == 200
    assert "The email address and/or password you specified are not correct." in (
        answer.content.decode()
    )


def test_a_user_who_was_switched_off_cannot_sign_in(alice: Customer) -> None:
    alice.user.is_active = False
    alice.user.save(update_fields=["is_active"])
    browser = Client()
    sign_in(browser, alice.user.email)
    assert browser.get("/account/profile").status_code == 302


def test_a_user_who_is_switched_off_is_out_at_once(alice: Customer) -> None:
    browser = alice.browser
    assert browser.get("/account/profile").status_code == 200
    alice.user.is_active = False
    alice.user.save(update_fields=["is_active"])
    assert browser.get("/account/profile").status_code == 302


def test_guessing_is_stopped_after_a_few_tries(alice: Customer) -> None:
    answers = [sign_in(Client(), alice.user.email, f"a-guess-{n}").content for n in range(12)]
    assert b"Too many failed login attempts" in answers[-1]
    assert b"Too many" in sign_in(Client(), alice.user.email).content


def test_signing_out_needs_a_press_and_ends_the_session(alice: Customer) -> None:
    browser = alice.browser
    assert browser.get("/account/logout/").status_code == 200
    assert browser.get("/account/profile").status_code == 200
    answer = browser.post("/account/logout/")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert browser.get("/account/profile").status_code == 302


def test_a_forgotten_password_is_replaced_through_the_mail(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    browser = Client()
    browser.post(RESET, {"email": alice.user.email})
    form = browser.get(link_in(mailoutbox[0]), follow=True)
    path = form.redirect_chain[-1][0]
    answer = browser.post(path, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert answer.status_code == 302
    alice.user.refresh_from_db()
    assert alice.user.check_password(NEW_PASSWORD)
    assert Account.objects.count() == 1


def test_a_reset_link_works_once(alice: Customer, mailoutbox: list[EmailMessage]) -> None:
    browser = Client()
    browser.post(RESET, {"email": alice.user.email})
    link = link_in(mailoutbox[0])
    path = browser.get(link, follow=True).redirect_chain[-1][0]
    browser.post(path, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    again = Client().get(link)
    assert again.status_code == 200
    assert "password1" not in again.content.decode()


def test_a_reset_for_an_unknown_address_is_answered_like_any_other(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    known = Client().post(RESET, {"email": alice.user.email})
    unknown = Client().post(RESET, {"email": "nobody@example.org"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    links = [mail for mail in mailoutbox if "/password/reset/key/" in str(mail.body)]
    assert [mail.to for mail in links] == [[alice.user.email]]
