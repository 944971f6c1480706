"""The pages of a team: people, invitations, and the way between accounts."""

import html
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from accounts import keys, team
from accounts.access import Role
from accounts.invitation import Invitation
from accounts.models import Account, Membership, User
from accounts.opening import open_account
from tests.accounts.teams import browser_of, invite, join, link_in
from tests.cast import PASSWORD, Customer

PAGE = "/account/team"
DORA = "dora@example.org"


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_the_page_shows_people_roles_and_what_waits(alice: Customer) -> None:
    join(alice, "dora", Role.BILLING)
    invite(alice, "eve@example.org")
    page = shown(alice.browser.get(PAGE))
    for words in (DORA, "eve@example.org", "What each role may do", "Send again"):
        assert words in page


def test_a_member_sees_people_but_no_buttons(alice: Customer) -> None:
    dora = join(alice, "dora")
    invite(alice, "eve@example.org")
    page = shown(browser_of(dora.user, alice.account).get(PAGE))
    assert "alice@example.org" in page
    assert "eve@example.org" not in page
    assert "/remove" not in page
    assert "Leave this team" in page


def test_an_invitation_is_sent_from_the_page(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    answer: Any = alice.browser.post(
        f"{PAGE}/invite", {"email": DORA, "role": "admin"}, follow=True
    )
    assert f"We wrote to {DORA}" in shown(answer)
    assert [mail.to for mail in mailoutbox] == [[DORA]]
    assert Invitation.objects.get().role == Role.ADMIN


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"email": "x", "role": "admin"}, "Enter a valid email address."),
        ({"email": DORA, "role": "owner"}, "Select a valid choice."),
        ({"email": "alice@example.org", "role": "admin"}, "is on your team already"),
    ],
)
def test_a_bad_invitation_is_refused_beside_its_field(
    alice: Customer, mailoutbox: list[EmailMessage], fields: dict[str, str], sentence: str
) -> None:
    assert sentence in shown(alice.browser.post(f"{PAGE}/invite", fields))
    assert mailoutbox == []


def test_a_customer_and_a_stranger_are_invited_with_the_same_words(
    alice: Customer, charlie: Customer, mailoutbox: list[EmailMessage]
) -> None:
    browser = alice.browser
    answers = []
    for email in (charlie.user.email, "nobody@example.org"):
        answer: Any = browser.post(
            f"{PAGE}/invite", {"email": email, "role": "member"}, follow=True
        )
        answers.append(next(str(message) for message in answer.context["messages"]).split()[4:])
    assert answers[0] == answers[1]
    assert mailoutbox[0].subject == mailoutbox[1].subject


def test_who_has_an_account_joins_by_the_button_alone(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    dora = open_account(DORA, PASSWORD)
    invite(alice, DORA)
    browser, link = browser_of(dora), link_in(mailoutbox[0])
    assert "Join the team" in shown(browser.get(link))
    assert not alice.account.memberships.filter(user=dora).exists(), "looking is not joining"
    answer: Any = browser.post(link, follow=True)
    assert "Welcome to alice@example.org." in shown(answer)
    assert answer.context["account"] == alice.account


def test_who_is_new_signs_up_from_the_link_without_another_mail(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    invite(alice, DORA)
    browser, link = Client(), link_in(mailoutbox[0])
    assert "Open an account" in shown(browser.get(link))
    fields = {"email": DORA, "password1": PASSWORD, "next": link}
    answer = browser.post("/account/signup/", fields)
    assert answer["Location"] == link
    assert len(mailoutbox) == 1, "the link has proved the address"
    browser.post(link)
    assert alice.account.memberships.filter(user__email=DORA).exists()


def test_the_link_proves_no_other_address(alice: Customer, mailoutbox: list[EmailMessage]) -> None:
    invite(alice, DORA)
    browser, link = Client(), link_in(mailoutbox[0])
    browser.get(link)
    fields = {"email": "eve@example.org", "password1": PASSWORD, "next": link}
    assert browser.post("/account/signup/", fields)["Location"] == "/account/confirm-email/"
    browser.post(link)
    assert alice.account.memberships.count() == 1


def test_somebody_elses_invitation_says_for_whom_it_is(
    alice: Customer, charlie: Customer, mailoutbox: list[EmailMessage]
) -> None:
    invite(alice, DORA)
    browser, link = charlie.browser, link_in(mailoutbox[0])
    assert "You are logged in as charlie@example.org" in shown(browser.get(link))
    browser.post(link)
    assert alice.account.memberships.count() == 1


def test_removing_somebody_warns_of_their_keys_first(alice: Customer) -> None:
    dora = join(alice, "dora")
    _, secret = keys.issue(alice.account, dora.user, "hers")
    browser = alice.browser
    assert "1 API key made by dora is revoked at once" in shown(browser.get(PAGE))
    browser.post(f"{PAGE}/{dora.pk}/remove")
    assert keys.find(secret) is None
    assert not Membership.objects.filter(pk=dora.pk).exists()


def test_who_was_removed_is_out_at_the_next_page(alice: Customer) -> None:
    dora = join(alice, "dora")
    browser = browser_of(dora.user, alice.account)
    assert browser.get("/gallery").context["account"] == alice.account
    alice.browser.post(f"{PAGE}/{dora.pk}/remove")
    assert browser.get("/gallery").context["account"] != alice.account


def test_the_account_that_was_chosen_is_there_after_the_next_sign_in(alice: Customer) -> None:
    dora = join(alice, "dora")
    browser_of(dora.user, alice.account)
    assert browser_of(dora.user).get("/gallery").context["account"] == alice.account


def test_two_browsers_may_look_at_two_accounts(alice: Customer) -> None:
    dora = join(alice, "dora")
    own = Account.objects.exclude(pk=alice.account.pk).get()
    first, second = browser_of(dora.user, alice.account), browser_of(dora.user, own)
    assert first.get("/gallery").context["account"] == alice.account
    assert second.get("/gallery").context["account"] == own


def test_nobody_switches_to_an_account_of_others(alice: Customer, charlie: Customer) -> None:
    browser = charlie.browser
    browser.post("/account/switch", {"to": str(alice.account.pk)})
    assert browser.get("/gallery").context["account"] == charlie.account


def test_a_form_that_was_opened_for_another_account_does_nothing(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    dora = join(alice, "dora", Role.ADMIN)
    browser = browser_of(dora.user, alice.account)
    own = Account.objects.exclude(pk=alice.account.pk).get()
    fields = {"email": "eve@example.org", "role": "admin", "account": own.stamp}
    answer: Any = browser.post(f"{PAGE}/invite", fields, follow=True)
    assert "You have switched to another account" in shown(answer)
    assert mailoutbox == []


@pytest.mark.parametrize(
    ("role", "first"),
    [(Role.MEMBER, "/create"), (Role.ADMIN, "/create"), (Role.BILLING, "/billing")],
)
def test_sign_in_leads_to_a_page_that_the_role_may_see(
    alice: Customer, role: str, first: str
) -> None:
    dora = join(alice, "dora", role)
    browser_of(dora.user, alice.account)
    answer = Client().post("/account/login/", {"login": DORA, "password": PASSWORD})
    assert answer["Location"] == first


def test_a_member_can_give_a_key_no_more_than_the_role(alice: Customer) -> None:
    dora = join(alice, "dora")
    browser = browser_of(dora.user, alice.account)
    answer = browser.post("/account/keys", {"name": "x", "access": "some", "scopes": "billing"})
    assert "is not one of the available choices" in shown(answer)
    browser.post("/account/keys", {"name": "all", "access": "all"})
    assert dora.user.api_keys.get().scopes == ["submit", "read"]
    key = dora.user.api_keys.get()
    alice.browser.post(f"/account/keys/{key.pk}", {"name": "all", "access": "all"})
    key.refresh_from_db()
    assert key.scopes == ["submit", "read"], "nor by an owner's hand"


def test_a_name_is_kept_as_typed_and_shown_as_text(alice: Customer) -> None:
    alice.browser.post(
        "/account/profile", {"name": "<b>Al</b>", "language": "", "mails_films": "on"}
    )
    user = User.objects.get()
    assert (user.name, user.mails_films) == ("<b>Al</b>", True)
    assert b"<b>Al</b>" not in alice.browser.get(PAGE).content


def test_a_team_of_one_is_left_by_deleting_it(alice: Customer) -> None:
    assert "Leave this team" not in shown(alice.browser.get(PAGE))
    alice.browser.post(f"{PAGE}/leave")
    assert team.members(alice.account).count() == 1
