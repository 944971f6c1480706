"""Twins: an account in test mode beside each live one, opened once, and never mixed up with it."""

import pytest
from django.db import IntegrityError, transaction

from accounts import keys, twins
from accounts.models import Account, ApiKey, Membership, Mode
from tests import cast
from tests.billing.races import together
from tests.cast import Customer


def test_the_twin_is_opened_on_first_use_and_is_the_same_ever_after(alice: Customer) -> None:
    assert not Account.objects.filter(mode=Mode.TEST).exists()

    twin = twins.twin_of(alice.account)

    assert (twin.mode, twin.live, twin.name) == (Mode.TEST, alice.account, alice.account.name)
    assert str(twin) == f"{alice.account} (test mode)"
    assert twins.twin_of(alice.account) == twin
    assert twins.twin_of(twin) == twin


@pytest.mark.django_db(transaction=True)
def test_ten_who_come_at_once_open_one_twin() -> None:
    account = cast.customer("dora").account

    found = together([lambda: twins.twin_of(account)] * 10)

    assert {one.pk for one in found if isinstance(one, Account)} == {
        Account.objects.get(mode=Mode.TEST).pk
    }
    assert len(found) == 10


def test_nobody_is_a_member_of_a_twin_and_its_members_are_the_live_accounts(
    alice: Customer,
) -> None:
    twin = twins.twin_of(alice.account)

    assert not Membership.objects.filter(account=twin).exists()
    assert twin.of_members == alice.account == alice.account.of_members


@pytest.mark.parametrize("mode", Mode)
def test_the_database_knows_no_twin_of_nobody_and_no_live_account_of_another(
    mode: Mode, alice: Customer
) -> None:
    live = alice.account if mode == Mode.LIVE else None
    with (
        pytest.raises(IntegrityError, match="account_twin_is_in_test_mode"),
        transaction.atomic(),
    ):
        Account.objects.create(name="odd", mode=mode, live=live)


def test_an_account_has_one_twin(alice: Customer) -> None:
    twins.twin_of(alice.account)
    with pytest.raises(IntegrityError, match="live_id"), transaction.atomic():
        Account.objects.create(name="another", mode=Mode.TEST, live=alice.account)


def test_a_key_is_of_the_mode_of_its_account(alice: Customer) -> None:
    live, live_secret = keys.issue(alice.account, alice.user, "live")
    test, test_secret = keys.issue(twins.twin_of(alice.account), alice.user, "test")

    assert (live.mode, test.mode) == (Mode.LIVE, Mode.TEST)
    assert live_secret.startswith("gal_live_")
    assert test_secret.startswith("gal_test_")
    for key, other in ((live, Mode.TEST), (test, Mode.LIVE)):
        with (
            pytest.raises(IntegrityError, match="api_key_mode_of_its_account"),
            transaction.atomic(),
        ):
            ApiKey.objects.filter(pk=key.pk).update(mode=other)


def test_keys_of_the_twin_take_no_room_of_the_live_accounts(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "ACTIVE_KEYS_MAX", 1)

    keys.issue(twins.twin_of(alice.account), alice.user, "test")

    with pytest.raises(keys.TooManyKeys):
        keys.issue(twins.twin_of(alice.account), alice.user, "one more")


def test_what_has_to_do_with_real_money_is_refused_in_a_plain_sentence(alice: Customer) -> None:
    twins.require_live(alice.account)
    with pytest.raises(twins.LiveOnly, match="Switch to live mode first"):
        twins.require_live(twins.twin_of(alice.account))


def test_what_the_api_tells_of_a_key_says_its_mode(alice: Customer) -> None:
    tess = cast.tester(alice)
    modes = [one.get("/api/v3/key").json()["data"]["mode"] for one in (alice, tess)]
    assert modes == ["live", "test"]
