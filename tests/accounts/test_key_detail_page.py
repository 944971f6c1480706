"""The page of one key: its rules, its secret, what it spent; and who may change what."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey, Membership, User
from accounts.opening import account_of, open_account
from tests.cast import PASSWORD, Customer
from tests.generations import stage

LIST = "/account/keys"
TOMORROW = timezone.now().astimezone(UTC).date() + timedelta(days=1)
EVERYTHING = {
    "name": "web shop",
    "access": "some",
    "scopes": ["submit", "read"],
    "cap_micros": "5",
    "cap_period": "day",
    "last_day": f"{TOMORROW}",
    "networks": "192.0.2.7\n198.51.100.0/24",
}


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def page_of(key: ApiKey) -> str:
    return f"{LIST}/{key.pk}"


@pytest.fixture
def key(alice: Customer) -> ApiKey:
    """Alice's key."""
    return ApiKey.objects.get()


def colleague(customer: Customer, role: Membership.Role) -> Client:
    """A browser of somebody who has only this role in the customer's account."""
    user = open_account(f"{role}@example.org", PASSWORD)
    own = account_of(user)
    Membership.objects.filter(user=user).update(account=customer.account, role=role)
    own.delete()
    return signed_in(user)


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


def rules() -> dict[str, Any]:
    """What is kept of the newest key."""
    kept = ApiKey.objects.order_by("-id").values(
        *("name", "scopes", "cap_micros", "cap_period", "expires_at", "allowed_networks")
    )
    return dict(kept[0])


KEPT = {
    "name": "web shop",
    "scopes": ["submit", "read"],
    "cap_micros": 5_000_000,
    "cap_period": "day",
    "expires_at": datetime.combine(TOMORROW + timedelta(days=1), datetime.min.time(), tzinfo=UTC),
    "allowed_networks": ["192.0.2.7/32", "198.51.100.0/24"],
}
FREE = {
    "name": "plain",
    "scopes": ["submit", "read", "billing"],
    "cap_micros": None,
    "cap_period": "",
    "expires_at": None,
    "allowed_networks": [],
}


def test_a_key_is_made_with_its_limits(alice: Customer) -> None:
    assert alice.browser.post(LIST, EVERYTHING).status_code == 200
    assert rules() == KEPT


def test_a_name_alone_makes_a_key_that_may_do_everything(alice: Customer) -> None:
    alice.browser.post(LIST, {"name": "plain"})
    assert rules() == FREE


def test_rules_are_changed_and_taken_back(alice: Customer, key: ApiKey) -> None:
    answer: Any = alice.browser.post(page_of(key), EVERYTHING, follow=True)
    assert answer.redirect_chain == [(page_of(key), 302)]
    assert "Saved. It holds from the next request on." in shown(answer)
    assert rules() == KEPT
    alice.browser.post(page_of(key), {"name": "plain", "access": "all", "cap_period": "week"})
    assert rules() == FREE


def test_the_form_shows_what_is_kept_and_saving_it_changes_nothing(
    alice: Customer, key: ApiKey
) -> None:
    alice.browser.post(page_of(key), EVERYTHING)
    form = alice.browser.get(page_of(key)).context["form"]
    again = {name: form[name].value() for name in form.fields}
    assert (again["cap_micros"], str(again["last_day"])) == ("5.00", f"{TOMORROW}")
    alice.browser.post(page_of(key), again)
    assert rules() == KEPT


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"access": "some", "scopes": []}, "Choose at least one."),
        ({"scopes": ["everything"]}, "everything is not one of the available choices."),
        ({"cap_micros": "lots"}, "Write a sum in dollars such as 25 or 12.50, not 'lots'."),
        ({"cap_micros": "0"}, "Write a sum above zero."),
        ({"cap_period": "year"}, "year is not one of the available choices."),
        ({"last_day": "2020-01-01"}, "Choose today or a day to come."),
        ({"last_day": "soon"}, "Enter a valid date."),
        ({"networks": "office"}, "Write an address such as 192.0.2.7"),
        ({"networks": " ".join(["10.0.0.1"] * 51)}, "Name at most 50 addresses."),
        ({"name": ""}, "This field is required."),
    ],
)
@pytest.mark.parametrize("new", [True, False])
def test_a_mistake_is_told_beside_its_field_and_nothing_is_kept(
    alice: Customer, key: ApiKey, changes: dict[str, Any], sentence: str, new: bool
) -> None:
    before = rules()
    answer = alice.browser.post(LIST if new else page_of(key), EVERYTHING | changes)
    assert answer.status_code == 200
    assert sentence in shown(answer)
    assert (rules(), ApiKey.objects.count()) == (before, 1)


def test_a_key_that_has_ended_can_still_be_renamed(alice: Customer, key: ApiKey) -> None:
    ApiKey.objects.update(expires_at=datetime(2026, 1, 2, tzinfo=UTC))
    assert "Expired" in shown(alice.browser.get(LIST))
    alice.browser.post(page_of(key), {"name": "old one", "last_day": "2026-01-01"})
    assert rules()["name"] == "old one"
    assert rules()["expires_at"] == datetime(2026, 1, 2, tzinfo=UTC)


def test_the_list_and_the_page_show_the_cap_and_what_was_spent(
    alice: Customer, key: ApiKey
) -> None:
    alice.browser.post(page_of(key), EVERYTHING | {"networks": ""})
    alice.post(stage.MODEL, {"image": "https://p.test/a.jpg"})
    for path in (LIST, page_of(key)):
        page = re.sub(r"<[^>]+>|\s+", " ", shown(alice.browser.get(path)))
        assert re.search(r"\$0\.70 +of \$5\.00 +today", page), path
    assert "$4.30" in shown(alice.browser.get(page_of(key)))


def test_a_new_secret_is_shown_on_this_one_answer(alice: Customer, key: ApiKey) -> None:
    answer: Any = alice.browser.post(f"{page_of(key)}/secret", {"overlap": "86400"})
    secret = answer.context["secret"]
    assert secret in shown(answer)
    assert "no-store" in answer["Cache-Control"]
    assert keys.find(secret) == keys.find(alice.secret) == key
    page = shown(alice.browser.get(page_of(key)))
    assert secret not in page
    assert f"The old secret {alice.secret[:15]}… works beside the new one until" in page
    assert "Two secrets" in shown(alice.browser.get(LIST))


def test_the_old_secret_can_be_ended(alice: Customer, key: ApiKey) -> None:
    alice.browser.post(f"{page_of(key)}/secret", {"overlap": "604800"})
    answer = alice.browser.post(f"{page_of(key)}/secret/end", follow=True)
    assert "Only the new secret works now." in shown(answer)
    assert keys.find(alice.secret) is None


@pytest.mark.parametrize("overlap", ["", "-1", "99999999", "soon"])
def test_only_the_offered_overlaps_are_taken(alice: Customer, key: ApiKey, overlap: str) -> None:
    answer = alice.browser.post(f"{page_of(key)}/secret", {"overlap": overlap})
    assert answer.status_code == 200
    assert keys.find(alice.secret) == key
    assert ApiKey.objects.get().digest == key.digest


def test_a_revoked_key_has_no_page(alice: Customer, key: ApiKey) -> None:
    keys.revoke(key)
    for path in (page_of(key), f"{page_of(key)}/secret", f"{page_of(key)}/secret/end"):
        assert alice.browser.post(path, EVERYTHING).status_code == 404
    assert alice.browser.get(page_of(key)).status_code == 404


CHANGES = ["", "/secret", "/secret/end", "/revoke"]


@pytest.mark.parametrize("change", CHANGES)
def test_another_accounts_key_is_not_there(alice: Customer, charlie: Customer, change: str) -> None:
    key = ApiKey.objects.get(account=alice.account)
    before = ApiKey.objects.filter(pk=key.pk).values().get()
    answer = charlie.browser.post(page_of(key) + change, EVERYTHING | {"overlap": "0"})
    assert answer.status_code == 404
    assert charlie.browser.get(page_of(key)).status_code == 404
    assert ApiKey.objects.filter(pk=key.pk).values().get() == before


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("role", "status"), [("owner", 200), ("admin", 200), ("member", 403), ("billing", 403)]
)
def test_owners_and_admins_look_after_every_key(
    alice: Customer, key: ApiKey, role: Membership.Role, status: int, change: str
) -> None:
    browser = colleague(alice, role)
    seen = 403 if role == "billing" else 200
    assert browser.get(page_of(key)).status_code == seen
    before = ApiKey.objects.values().get()
    said = {"name": "x", "overlap": "0"}
    answer = browser.post(page_of(key) + change, said, follow=True)
    assert answer.status_code == status
    if status == 403:
        assert ApiKey.objects.values().get() == before
        assert "rules-form" not in shown(browser.get(page_of(key)))


@pytest.mark.parametrize(
    ("role", "made"), [("owner", True), ("admin", True), ("member", True), ("billing", False)]
)
def test_the_billing_role_makes_no_keys(alice: Customer, role: Membership.Role, made: bool) -> None:
    browser = colleague(alice, role)
    assert browser.get(LIST).status_code == (200 if made else 403)
    assert ("key-form" in shown(browser.get(LIST))) == made
    answer = browser.post(LIST, {"name": "mine"})
    assert answer.status_code == (200 if made else 403)
    assert ApiKey.objects.filter(name="mine").exists() == made


def test_a_member_looks_after_its_own_keys_until_its_role_changes(alice: Customer) -> None:
    browser = colleague(alice, Membership.Role.MEMBER)
    browser.post(LIST, {"name": "mine"})
    own = ApiKey.objects.get(name="mine")
    assert browser.post(page_of(own), {"name": "still mine"}).status_code == 302
    Membership.objects.filter(user=own.created_by).update(role=Membership.Role.BILLING)
    assert browser.post(page_of(own), {"name": "no more"}).status_code == 403


@pytest.mark.parametrize("change", CHANGES[1:])
def test_a_link_alone_changes_nothing(alice: Customer, key: ApiKey, change: str) -> None:
    assert alice.browser.get(page_of(key) + change).status_code == 405
    assert keys.find(alice.secret) == key


def test_names_are_shown_as_they_are_typed(alice: Customer, key: ApiKey) -> None:
    alice.browser.post(page_of(key), {"name": "<b>bold</b>"})
    for path in (LIST, page_of(key)):
        assert b"<b>bold" not in alice.browser.get(path).content
