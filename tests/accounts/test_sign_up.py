"""Signing up: an address, a password, one mail, one account."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client

from accounts.models import Account, Membership, User
from tests.cast import PASSWORD, Customer

EMAIL = "dora@example.org"
SIGN_UP = "/account/signup/"

pytestmark = pytest.mark.django_db


def sign_up(browser: Client, email: str = EMAIL, password: str = PASSWORD) -> Any:
    return browser.post(SIGN_UP, {"email": email, "password1": password})


def link_in(mail: EmailMessage) -> str:
    """The path of the first address of ours in a mail."""
    found = re.search(r"https?://[^/\s]+(/account/\S+)", str(mail.body))
    assert found is not None, mail.body
    return found[1]


def confirmed(browser: Client, mail: EmailMessage) -> Any:
    return browser.post(link_in(mail))


def test_the_page_asks_for_address_and_password_only() -> None:
    shown = Client().get(SIGN_UP).content.decode()
    assert set(re.findall(r'<input type="(?:email|password|text)" name="(\w+)"', shown)) == {
        "email",
        "password1",
    }


def test_signing_up_opens_one_account_with_its_owner(mailoutbox: list[EmailMessage]) -> None:
    answer = sign_up(Client())
    assert (answer.status_code, answer["Location"]) == (302, "/account/confirm-email/")
    membership = Membership.objects.get()
    assert membership.role == Membership.Role.OWNER
    assert membership.user.email == membership.account.name == EMAIL
    assert len(mailoutbox) == 1
    assert mailoutbox[0].to == [EMAIL]


def test_nobody_is_signed_in_before_the_address_is_confirmed() -> None:
    browser = Client()
    sign_up(browser)
    assert browser.get("/account/profile").status_code == 302
    answer = browser.post("/account/login/", {"login": EMAIL, "password": PASSWORD})
    assert answer["Location"] == "/account/confirm-email/"
    assert browser.get("/billing").status_code == 302


def test_the_link_shows_a_page_and_only_its_button_confirms(
    mailoutbox: list[EmailMessage],
) -> None:
    browser = Client()
    sign_up(browser)
    page = browser.get(link_in(mailoutbox[0]))
    assert page.status_code == 200
    assert EMAIL in page.content.decode()
    assert not EmailAddress.objects.get().verified


def test_confirming_signs_in_and_leads_to_the_playground(mailoutbox: list[EmailMessage]) -> None:
    browser = Client()
    sign_up(browser)
    answer = confirmed(browser, mailoutbox[0])
    assert (answer.status_code, answer["Location"]) == (302, "/create")
    assert EmailAddress.objects.get().verified
    assert EMAIL in browser.get("/account/profile").content.decode()
    assert Account.objects.count() == 1


def test_confirming_on_another_device_confirms_but_does_not_sign_in(
    mailoutbox: list[EmailMessage],
) -> None:
    sign_up(Client())
    other = Client()
    confirmed(other, mailoutbox[0])
    assert EmailAddress.objects.get().verified
    assert other.get("/account/profile").status_code == 302


def test_a_link_used_twice_says_so_and_changes_nothing(mailoutbox: list[EmailMessage]) -> None:
    browser = Client()
    sign_up(browser)
    link = link_in(mailoutbox[0])
    browser.post(link)
    assert Client().post(link).status_code in {302, 404}
    assert EmailAddress.objects.filter(verified=True).count() == Account.objects.count() == 1


def test_a_link_with_another_key_confirms_nothing(mailoutbox: list[EmailMessage]) -> None:
    sign_up(Client())
    page = Client().get("/account/confirm-email/MQ:forged:key/")
    assert "This link no longer works" in page.content.decode()
    assert len(mailoutbox) == 1
    assert not EmailAddress.objects.get().verified


def test_the_mail_speaks_of_us_and_links_to_our_address(mailoutbox: list[EmailMessage]) -> None:
    sign_up(Client())
    (mail,) = mailoutbox
    assert "example.com" not in f"{mail.subject} {mail.body}"
    assert "Gallop" in mail.from_email


def test_signing_up_again_opens_nothing_and_tells_only_the_owner(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    answer = sign_up(Client(), alice.user.email.upper(), "a-wholly-different-word")
    # The same answer as for a new address: it does not tell who is a customer.
    assert (answer.status_code, answer["Location"]) == (302, "/account/confirm-email/")
    assert User.objects.count() == Account.objects.count() == 1
    assert alice.user.check_password(PASSWORD)
    assert [mail.to for mail in mailoutbox] == [[alice.user.email]]


def test_the_address_is_kept_in_lower_case() -> None:
    sign_up(Client(), "Dora@Example.ORG")
    assert User.objects.get().email == EMAIL


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("dora", PASSWORD, "Enter a valid email address."),
        ("", PASSWORD, "This field is required."),
        (EMAIL, "", "This field is required."),
        (EMAIL, "short1", "This password is too short."),
        (EMAIL, "password123", "This password is too common."),
        (EMAIL, "8520147963", "This password is entirely numeric."),
        (EMAIL, EMAIL, "too similar"),
    ],
)
def test_what_cannot_be_accepted_is_said_beside_its_field(
    email: str, password: str, sentence: str
) -> None:
    answer = sign_up(Client(), email, password)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not User.objects.exists()
    assert not Account.objects.exists()
