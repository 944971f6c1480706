"""Programs: a good key gets in, everything else gets 401 and a sentence that says what to send."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import keys
from accounts.authentication import refusal
from accounts.models import ApiKey
from tests.cast import Customer

BALANCE = "/api/v3/balance"


def refused(headers: dict[str, str]) -> None:
    answer = Client().get(BALANCE, headers=headers)
    assert answer.status_code == 401
    assert (answer.json()["code"], answer.json()["message"]) == (401, refusal())
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_good_key_gets_in(alice: Customer) -> None:
    answer = alice.get(BALANCE)
    assert answer.status_code == 200
    assert answer.json()["data"]["balance"] == 25.0


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_may_be_written_in_any_case(alice: Customer, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {alice.secret}"}
    assert Client().get(BALANCE, headers=headers).status_code == 200


def test_the_sentence_says_what_to_send_and_where_keys_are() -> None:
    assert "Authorization: Bearer <key>" in refusal()
    assert refusal().endswith("/account/keys.")


@pytest.mark.django_db
def test_no_header_is_refused() -> None:
    refused({})


@pytest.mark.parametrize(
    "value",
    [
        "{secret}",
        "Basic {secret}",
        "Token {secret}",
        "Bearer",
        "Bearer ",
        "Bearer{secret}",
        "Bearer gal_live_wrong",
        "Bearer {secret}x",
        "Bearer  {secret}",
        "Bearer {secret} {secret}",
        "Bearer \xff\xfe",
    ],
)
def test_anything_but_bearer_and_a_key_is_refused(alice: Customer, value: str) -> None:
    refused({"Authorization": value.format(secret=alice.secret)})


def test_a_revoked_key_is_refused(alice: Customer) -> None:
    keys.revoke(ApiKey.objects.get())
    refused(alice.bearer)


def test_the_key_of_a_user_who_was_switched_off_is_refused(alice: Customer) -> None:
    alice.user.is_active = False
    alice.user.save(update_fields=["is_active"])
    refused(alice.bearer)


@pytest.mark.django_db
def test_a_browsers_session_is_no_key(alice: Customer) -> None:
    answer = alice.browser.get(BALANCE)
    assert answer.status_code == 401


def test_a_key_opens_no_page_of_the_website(alice: Customer) -> None:
    assert alice.get("/billing").status_code == 302
    assert alice.get("/account/keys").status_code == 302


def test_a_key_works_for_its_own_account_only(alice: Customer, charlie: Customer) -> None:
    assert alice.get(BALANCE).json()["data"]["balance"] == 25.0
    assert charlie.get(BALANCE).json()["data"]["balance"] == 5.0


def test_requests_note_the_use_of_the_key_once_a_minute(alice: Customer) -> None:
    alice.get(BALANCE)
    first = ApiKey.objects.get().last_used_at
    alice.get(BALANCE)
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(hours=1))
    alice.get(BALANCE)
    used = ApiKey.objects.get().last_used_at
    assert used is not None
    assert timezone.now() - used < timedelta(minutes=1)
