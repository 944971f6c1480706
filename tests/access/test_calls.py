"""Which key opens what in the API: each address that takes a key, each kind of wrong key."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import keys
from accounts.models import Account, ApiKey, Membership, Scope
from tests.access.calls import CALLS, Call
from tests.access.possessions import Things, assert_nothing_of
from tests.cast import Customer

every_call = pytest.mark.parametrize("call", CALLS, ids=str)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def revoked(owner: Customer) -> dict[str, str]:
    key, secret = keys.issue(owner.account, owner.user, "lost")
    keys.revoke(key)
    return bearer(secret)


def expired(owner: Customer) -> dict[str, str]:
    ended = timezone.now() - timedelta(seconds=1)
    rules = keys.Rules(expires_at=ended)
    return bearer(keys.issue(owner.account, owner.user, "old", rules=rules)[1])


def replaced(owner: Customer) -> dict[str, str]:
    key, secret = keys.issue(owner.account, owner.user, "changed")
    keys.change_secret(key, timedelta())
    return bearer(secret)


def overlapped(owner: Customer) -> dict[str, str]:
    key, secret = keys.issue(owner.account, owner.user, "changed")
    keys.change_secret(key, timedelta(hours=1))
    ApiKey.objects.filter(pk=key.pk).update(previous_until=timezone.now())
    return bearer(secret)


def unknown(owner: Customer) -> dict[str, str]:
    return bearer(owner.secret[:-1] + ("a" if owner.secret[-1] != "a" else "b"))


def digest_of_it(owner: Customer) -> dict[str, str]:
    return bearer(ApiKey.objects.filter(account=owner.account).latest("id").digest)


def of_somebody_switched_off(owner: Customer) -> dict[str, str]:
    type(owner.user).objects.filter(pk=owner.user.pk).update(is_active=False)
    return owner.bearer


def none(owner: Customer) -> dict[str, str]:
    return {}


BAD = [
    none,
    unknown,
    revoked,
    expired,
    replaced,
    overlapped,
    digest_of_it,
    of_somebody_switched_off,
]


def of_a_stranger(_: Things, charlie: Customer) -> dict[str, str]:
    return charlie.bearer


def of_another_team_of_hers(hers: Things, _: Customer) -> dict[str, str]:
    """A key that she made herself, for the other account that she works for."""
    team = Account.objects.create(name="another team")
    user = hers.owner.user
    Membership.objects.create(account=team, user=user, role=Membership.Role.OWNER)
    return bearer(keys.issue(team, user, "the team's")[1])


@every_call
def test_the_owners_key_opens_it(hers: Things, call: Call) -> None:
    answer = call.make(hers, hers.owner.bearer)
    # A picture comes as a form; that it was missed shows that the key was good.
    assert answer.status_code == (415 if call.route == "api_upload_binary" else 200)


@every_call
def test_a_bad_key_opens_nothing(hers: Things, call: Call) -> None:
    for bad in BAD:
        headers = bad(hers.owner)
        before = hers.state()
        answer = call.make(hers, headers)
        assert (answer.status_code, answer.json()["code"]) == (401, 401), bad.__name__
        assert_nothing_of(hers, "", answer.content)
        assert hers.state() == before


@every_call
def test_a_browser_that_is_signed_in_is_no_key(hers: Things, call: Call) -> None:
    before = hers.state()
    answer = call.make(hers, {}, hers.owner.browser)
    assert answer.status_code == 401
    assert_nothing_of(hers, "", answer.content)
    assert hers.state() == before


@every_call
@pytest.mark.parametrize("whose", [of_a_stranger, of_another_team_of_hers])
def test_the_key_of_another_account_finds_nothing_of_hers(
    hers: Things, charlie: Customer, call: Call, whose: Any
) -> None:
    headers, before = whose(hers, charlie), hers.state()
    answer = call.make(hers, headers)
    if call.is_about:
        assert answer.status_code == 404
    assert answer.status_code < 500
    sent = call.address(hers) + json.dumps(call.said(hers))
    assert_nothing_of(hers, sent, answer.content + str(answer.headers).encode())
    assert hers.state() == before


def test_what_another_names_in_a_body_is_not_there(hers: Things, charlie: Customer) -> None:
    made = {call.route: call.make(hers, charlie.bearer) for call in CALLS}
    assert made["api_delete"].json()["data"] == {"deleted_count": 0}
    assert made["api_billings"].json()["data"]["items"] == []
    assert made["api_history"].json()["data"]["items"] == []
    assert made["api_usage"].json()["data"]["summary"]["total_requests"] == 0
    assert made["api_submit"].status_code == 400
    assert charlie.balance_micros == charlie.available_micros == 5_000_000


@every_call
def test_a_key_without_the_scope_is_refused(hers: Things, call: Call) -> None:
    for scope in Scope:
        rules = keys.Rules(scopes=[one for one in Scope.values if one != scope])
        _, secret = keys.issue(hers.owner.account, hers.owner.user, "narrow", rules=rules)
        before = hers.state()
        answer = call.make(hers, bearer(secret))
        if scope == call.scope:
            assert (answer.status_code, answer.json()["data"]["scope"]) == (403, scope)
            assert hers.state() == before
            assert_nothing_of(hers, "", answer.content)
        else:
            assert answer.status_code not in {401, 403, 404}, scope


@every_call
def test_a_key_from_a_foreign_network_is_refused(hers: Things, call: Call) -> None:
    rules = keys.Rules(allowed_networks=["192.0.2.0/24"])
    _, secret = keys.issue(hers.owner.account, hers.owner.user, "at home", rules=rules)
    before = hers.state()
    answer = call.make(hers, bearer(secret))
    assert answer.status_code == 403
    assert_nothing_of(hers, "", answer.content)
    assert hers.state() == before


@every_call
def test_another_method_opens_nothing(hers: Things, charlie: Customer, call: Call) -> None:
    address, before = call.address(hers), hers.state()
    for method in {"get", "post", "put", "patch", "delete"} - {call.method}:
        for headers in ({}, charlie.bearer):
            answer = getattr(Client(), method)(address, headers=headers)
            # The address of one call can be the name of a model, or of a job, for another.
            assert answer.status_code in {400, 401, 404, 405}, (method, headers)
            assert_nothing_of(hers, address, answer.content)
    assert hers.state() == before
