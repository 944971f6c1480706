"""What a key may do, until when, and from where; and how its secret is changed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django import Settings
from rest_framework.views import APIView

from accounts import keys
from accounts.models import ApiKey, Mode, Scope
from accounts.twins import twin_of
from config import visitors
from tests.cast import Customer

BALANCE = "/api/v3/balance"
RESULT = "/api/v3/predictions/no/result"
SUBMIT = "/api/v3/alibaba/happyhorse-1.1/image-to-video"
KEY = "/api/v3/key"


def with_rules(customer: Customer, **rules: Any) -> dict[str, str]:
    """Make a key with these rules; the header that carries it."""
    _, secret = keys.issue(customer.account, customer.user, "ruled", rules=keys.Rules(**rules))
    return {"Authorization": f"Bearer {secret}"}


# Scopes.


@pytest.mark.parametrize(
    ("scope", "path", "method"),
    [("submit", SUBMIT, "post"), ("read", RESULT, "get"), ("billing", BALANCE, "get")],
)
def test_a_key_does_what_its_scope_says_and_nothing_else(
    alice: Customer, scope: str, path: str, method: str
) -> None:
    enough = with_rules(alice, scopes=[scope])
    others = with_rules(alice, scopes=[one for one in Scope.values if one != scope])

    assert getattr(Client(), method)(path, headers=enough).status_code != 403
    refused = getattr(Client(), method)(path, headers=others)

    assert refused.status_code == 403
    assert refused.json()["data"]["scope"] == scope
    said = refused.json()["message"]
    assert said.startswith(f'This key does not have the scope "{scope}". Use a key that has it')


def test_every_key_may_know_itself(alice: Customer) -> None:
    answer = Client().get(KEY, headers=with_rules(alice, scopes=["read"]))
    assert answer.status_code == 200
    assert answer.json()["data"]["scopes"] == ["read"]


def api_views(patterns: Any = None) -> Iterator[type[APIView]]:
    """Every view of the API, from the map of the site."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from api_views(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "cls"):
            yield pattern.callback.cls


def test_every_view_that_takes_a_key_names_its_scope() -> None:
    keyed = [view for view in api_views() if view.authentication_classes]
    assert len(keyed) >= 10
    assert [view.__name__ for view in keyed if "scope" not in vars(view)] == []


def test_a_view_that_forgot_its_scope_asks_for_all(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = next(view for view in api_views() if view.__name__ == "BalanceView")
    monkeypatch.delattr(view, "scope")
    assert alice.get(BALANCE).status_code == 200
    headers = with_rules(alice, scopes=["billing", "read"])
    assert Client().get(BALANCE, headers=headers).status_code == 403


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "admin"]])
def test_the_database_refuses_unknown_scopes(alice: Customer, scopes: list[str]) -> None:
    with pytest.raises(IntegrityError, match="api_key_scopes_known"), transaction.atomic():
        ApiKey.objects.update(scopes=scopes)


def test_the_database_refuses_an_unknown_mode(alice: Customer) -> None:
    with pytest.raises(IntegrityError, match="api_key_mode_known"), transaction.atomic():
        ApiKey.objects.update(mode="demo")


def test_a_test_key_is_known_by_its_mark(alice: Customer) -> None:
    key, secret = keys.issue(twin_of(alice.account), alice.user, "test")
    assert key.mode == Mode.TEST
    assert secret.startswith("gal_test_")
    assert key.prefix == secret[:15]
    assert keys.change_secret(key, timedelta()).startswith("gal_test_")


# The last day.


def test_an_expired_key_is_refused_with_its_moment(alice: Customer) -> None:
    ended = timezone.now() - timedelta(seconds=1)
    answer = Client().get(BALANCE, headers=with_rules(alice, expires_at=ended))
    assert answer.status_code == 401
    said = answer.json()["message"]
    assert said.startswith(f"This API key expired on {ended:%Y-%m-%d %H:%M} UTC. Make a new one")


def test_a_key_works_until_its_last_moment(alice: Customer) -> None:
    headers = with_rules(alice, expires_at=timezone.now() + timedelta(minutes=1))
    assert Client().get(BALANCE, headers=headers).status_code == 200


# Addresses.

HOME, OFFICE = "198.51.100.7", "2001:db8::5"
PROXY = "10.0.0.1"


@pytest.mark.parametrize(
    ("allowed", "comes_from", "status"),
    [
        ([], HOME, 200),
        ([HOME], HOME, 200),
        (["198.51.100.0/24"], HOME, 200),
        ([HOME], "198.51.100.8", 403),
        ([HOME], OFFICE, 403),
        ([HOME, "2001:db8::/64"], OFFICE, 200),
        ([HOME], f"::ffff:{HOME}", 200),
        ([HOME], "", 403),
    ],
)
def test_a_key_works_from_its_addresses_only(
    alice: Customer, allowed: list[str], comes_from: str, status: int
) -> None:
    headers = with_rules(alice, allowed_networks=keys.networks(allowed))
    answer = Client(REMOTE_ADDR=comes_from).get(BALANCE, headers=headers)
    assert answer.status_code == status
    if status == 403:
        said = answer.json()["message"]
        name = comes_from or "an unknown address"
        assert said.startswith(f"This key may not be used from {name}.")


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        (PROXY, HOME, 200),
        (PROXY, f"203.0.113.9, {HOME}", 200),
        (PROXY, f"{HOME}, 203.0.113.9", 403),
        (PROXY, f"{HOME}, {PROXY}", 200),
        (PROXY, "", 403),
        (PROXY, "unknown", 403),
        (PROXY, f"{HOME}, nonsense", 403),
        ("203.0.113.9", HOME, 403),
        (HOME, "203.0.113.9", 200),
    ],
)
def test_only_our_own_proxy_says_where_a_request_comes_from(
    alice: Customer, settings: Settings, peer: str, forwarded: str, status: int
) -> None:
    settings.TRUSTED_PROXIES = visitors.networks(["10.0.0.0/8"])
    headers = with_rules(alice, allowed_networks=[f"{HOME}/32"])
    answer = Client(REMOTE_ADDR=peer).get(
        BALANCE, headers={**headers, "X-Forwarded-For": forwarded}
    )
    assert answer.status_code == status


def test_a_proxy_that_is_no_address_is_refused_at_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES is a list of addresses"):
        visitors.networks(["10.0.0.0/8", "my-proxy"])


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        (" 192.0.2.7/24 ", "192.0.2.0/24"),
        ("2001:DB8::1", "2001:db8::1/128"),
    ],
)
def test_networks_are_kept_in_one_form(text: str, kept: str) -> None:
    assert keys.networks([text, text]) == [kept]


@pytest.mark.parametrize("text", ["", "office", "192.0.2.256", "192.0.2.0/33", "1.2.3.4/x"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(keys.BadNetwork, match="Write an address such as"):
        keys.networks([text])


# A new secret.


def works(secret: str) -> bool:
    headers = {"Authorization": f"Bearer {secret}"}
    return Client().get(BALANCE, headers=headers).status_code == 200


def let_overlap_end() -> None:
    ApiKey.objects.exclude(previous_until=None).update(
        previous_until=timezone.now() - timedelta(seconds=1)
    )


def test_a_new_secret_works_beside_the_old_one_for_the_overlap(alice: Customer) -> None:
    key = ApiKey.objects.get()
    secret = keys.change_secret(key, timedelta(days=1))
    assert (works(secret), works(alice.secret)) == (True, True)
    let_overlap_end()
    assert (works(secret), works(alice.secret)) == (True, False)


def test_both_secrets_are_one_key(alice: Customer) -> None:
    key = ApiKey.objects.get()
    secret = keys.change_secret(key, timedelta(days=1))
    assert keys.find(secret) == keys.find(alice.secret) == key
    key.refresh_from_db()
    assert (key.prefix, key.previous_prefix) == (secret[:15], alice.secret[:15])
    assert key.is_changing
    assert key.previous_until is not None
    left = key.previous_until - timezone.now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(days=1)


def test_without_an_overlap_the_old_secret_ends_at_once(alice: Customer) -> None:
    secret = keys.change_secret(ApiKey.objects.get(), timedelta())
    assert (works(secret), works(alice.secret)) == (True, False)
    assert not ApiKey.objects.get().is_changing


def test_a_second_change_ends_the_first_secret(alice: Customer) -> None:
    key = ApiKey.objects.get()
    second = keys.change_secret(key, timedelta(days=7))
    third = keys.change_secret(key, timedelta(days=7))
    assert [works(one) for one in (alice.secret, second, third)] == [False, True, True]


def test_an_overlap_can_be_ended_early(alice: Customer) -> None:
    key = ApiKey.objects.get()
    secret = keys.change_secret(key, timedelta(days=7))
    keys.end_previous(key)
    assert (works(secret), works(alice.secret)) == (True, False)


def test_revoking_ends_both_secrets(alice: Customer) -> None:
    key = ApiKey.objects.get()
    secret = keys.change_secret(key, timedelta(days=7))
    keys.revoke(key)
    assert (works(secret), works(alice.secret)) == (False, False)


def test_a_key_tells_until_when_the_old_secret_works(alice: Customer) -> None:
    assert alice.get(KEY).json()["data"]["previous_secret_until"] is None
    keys.change_secret(ApiKey.objects.get(), timedelta(hours=1))
    until = ApiKey.objects.get().previous_until
    told = alice.get(KEY).json()["data"]["previous_secret_until"]
    assert told[:19] == f"{until:%Y-%m-%dT%H:%M:%S}"


@pytest.mark.parametrize(
    "changes",
    [{"previous_digest": "a"}, {"previous_prefix": "a"}, {"previous_until": timezone.now()}],
)
def test_the_database_refuses_an_old_secret_without_an_end(
    alice: Customer, changes: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match="api_key_previous_ends"), transaction.atomic():
        ApiKey.objects.update(**changes)
