"""The page of the keys: make one, copy it now, revoke it; never anybody else's."""

import html
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import keys
from accounts.models import ApiKey
from tests.cast import Customer

PAGE = "/account/keys"


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def made(customer: Customer, name: str) -> tuple[str, str]:
    """Make a key on the page; its secret and the page."""
    answer: Any = customer.browser.post(PAGE, {"name": name})
    assert answer.status_code == 200
    return str(answer.context["secret"]), shown(answer)


@pytest.mark.django_db
@pytest.mark.parametrize("path", [PAGE, "/account/profile"])
def test_the_pages_ask_for_sign_in(path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/account/login/?next={path}")


def test_a_new_key_is_shown_on_this_one_answer(alice: Customer) -> None:
    secret, page = made(alice, "web shop")
    assert keys.find(secret) is not None
    assert secret in page
    assert secret not in shown(alice.browser.get(PAGE))


def test_the_answer_with_the_secret_is_kept_by_no_cache(alice: Customer) -> None:
    answer = alice.browser.post(PAGE, {"name": "web shop"})
    assert "no-store" in answer["Cache-Control"]


def test_the_list_shows_names_and_beginnings(alice: Customer) -> None:
    secret, _ = made(alice, "web <shop>")
    page = shown(alice.browser.get(PAGE))
    assert "web <shop>" in page
    assert f"{secret[:15]}…" in page
    assert b"<shop>" not in alice.browser.get(PAGE).content


def test_the_list_shows_nobody_elses_keys(alice: Customer, charlie: Customer) -> None:
    made(alice, "alice's shop")
    assert "alice's shop" not in shown(charlie.browser.get(PAGE))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "This field is required."),
        ("   ", "This field is required."),
        ("x" * 81, "Ensure this value has at most 80 characters (it has 81)."),
    ],
)
def test_a_bad_name_is_refused_beside_its_field(alice: Customer, name: str, sentence: str) -> None:
    answer = alice.browser.post(PAGE, {"name": name})
    assert answer.status_code == 200
    assert sentence in shown(answer)
    assert ApiKey.objects.count() == 1


def test_too_many_keys_are_refused_beside_the_field(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "ACTIVE_KEYS_MAX", 1)
    secret, page = made(alice, "one more")
    assert secret == ""
    assert "You have 1 keys. Revoke one you no longer use first." in page


def test_an_own_key_is_revoked(alice: Customer) -> None:
    key = ApiKey.objects.get()
    browser = alice.browser
    answer: Any = browser.post(f"{PAGE}/{key.pk}/revoke", follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert f"The key {key.prefix}… no longer works." in shown(answer)
    assert keys.find(alice.secret) is None


def test_revoking_twice_is_no_error(alice: Customer) -> None:
    key = ApiKey.objects.get()
    assert [alice.browser.post(f"{PAGE}/{key.pk}/revoke").status_code for _ in "12"] == [302, 302]


def test_another_accounts_key_is_not_there(alice: Customer, charlie: Customer) -> None:
    key = ApiKey.objects.get(account=alice.account)
    assert charlie.browser.post(f"{PAGE}/{key.pk}/revoke").status_code == 404
    assert keys.find(alice.secret) is not None


def test_a_link_alone_revokes_nothing(alice: Customer) -> None:
    key = ApiKey.objects.get()
    assert alice.browser.get(f"{PAGE}/{key.pk}/revoke").status_code == 405
    assert keys.find(alice.secret) is not None


@pytest.mark.parametrize("path", ["/account/keys", "/account/keys/1/revoke", "/billing"])
def test_a_form_of_another_site_is_refused(alice: Customer, path: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.post(path, {"name": "x", "pack": "25"}).status_code == 403
    assert ApiKey.objects.count() == 1


def test_the_profile_shows_who_is_signed_in_and_the_balance(alice: Customer) -> None:
    page = shown(alice.browser.get("/account/profile"))
    assert alice.user.email in page
    assert "$25.00" in page


def test_the_operator_sees_keys_but_never_their_digests(alice: Customer) -> None:
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save(update_fields=["is_staff", "is_superuser"])
    key = ApiKey.objects.get()
    before = key.digest
    keys.change_secret(key, timedelta(days=1))
    key.refresh_from_db()
    page = shown(alice.browser.get(f"/admin/accounts/apikey/{key.pk}/change/"))
    assert key.prefix in page
    assert key.digest not in page
    assert before not in page
    for model in ("user", "account", "apikey"):
        assert alice.browser.get(f"/admin/accounts/{model}/").status_code == 200, model
    assert alice.browser.get("/admin/accounts/apikey/add/").status_code == 403
    change = alice.browser.post(f"/admin/accounts/apikey/{key.pk}/change/", {"name": "x"})
    assert change.status_code == 403
