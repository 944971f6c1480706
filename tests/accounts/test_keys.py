"""API keys: shown once, kept as a digest, found by it, revoked for good."""

from datetime import timedelta
from functools import partial

import pytest
from django.core import serializers
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey
from tests.billing.races import together
from tests.cast import Customer


def test_a_key_is_long_random_and_known_by_its_mark(alice: Customer) -> None:
    _, first = keys.issue(alice.account, alice.user, "one")
    _, second = keys.issue(alice.account, alice.user, "two")
    assert first != second
    for secret in (first, second):
        assert secret.startswith("gal_live_")
        assert len(secret) == len("gal_live_") + 32


def test_only_the_beginning_and_a_digest_are_kept(alice: Customer) -> None:
    key, secret = keys.issue(alice.account, alice.user, "web shop")
    kept = serializers.serialize("json", [ApiKey.objects.get(pk=key.pk)])
    assert secret not in kept
    assert key.prefix == secret[:15]
    assert key.digest == keys.digest(secret)
    assert secret[15:] not in kept


def test_the_digest_is_sha_256() -> None:
    assert keys.digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_secret_finds_its_key_with_account_and_maker(alice: Customer) -> None:
    key, secret = keys.issue(alice.account, alice.user, "web shop")
    found = keys.find(secret)
    assert found == key
    assert (found.account, found.created_by) == (alice.account, alice.user)


@pytest.mark.parametrize("change", [str.upper, lambda secret: secret + "x", lambda _: ""])
@pytest.mark.django_db
def test_anything_but_the_exact_secret_finds_nothing(alice: Customer, change: object) -> None:
    assert callable(change)
    assert keys.find(change(alice.secret)) is None


def test_neither_prefix_nor_digest_is_a_secret(alice: Customer) -> None:
    key = ApiKey.objects.get()
    assert keys.find(key.prefix) is None
    assert keys.find(key.digest) is None
    assert keys.find(alice.secret) == key


def test_a_revoked_key_is_found_no_more(alice: Customer) -> None:
    key = ApiKey.objects.get()
    assert keys.revoke(key)
    assert keys.find(alice.secret) is None
    assert list(keys.active(alice.account)) == []


def test_revoking_again_changes_nothing(alice: Customer) -> None:
    key = ApiKey.objects.get(account=alice.account)
    keys.revoke(key)
    key.refresh_from_db()
    moment = key.revoked_at
    assert not keys.revoke(key)
    key.refresh_from_db()
    assert key.revoked_at == moment


def test_revoking_one_key_leaves_the_others(alice: Customer) -> None:
    key, _ = keys.issue(alice.account, alice.user, "old")
    keys.revoke(key)
    assert keys.find(alice.secret) is not None


def test_the_key_of_a_user_who_was_switched_off_is_dead(alice: Customer) -> None:
    alice.user.is_active = False
    alice.user.save(update_fields=["is_active"])
    assert keys.find(alice.secret) is None
    alice.user.is_active = True
    alice.user.save(update_fields=["is_active"])
    assert keys.find(alice.secret) is not None


def test_the_first_use_is_noted(alice: Customer) -> None:
    assert ApiKey.objects.get().last_used_at is None
    before = timezone.now()
    keys.find(alice.secret)
    used = ApiKey.objects.get().last_used_at
    assert used is not None
    assert before <= used <= timezone.now()


@pytest.mark.parametrize(("seconds_ago", "noted"), [(30, False), (59, False), (61, True)])
def test_a_later_use_is_noted_at_most_once_a_minute(
    alice: Customer, seconds_ago: int, noted: bool
) -> None:
    last = timezone.now() - timedelta(seconds=seconds_ago)
    ApiKey.objects.update(last_used_at=last)
    keys.find(alice.secret)
    used = ApiKey.objects.get().last_used_at
    assert used is not None
    assert (used > last) == noted


def test_a_use_that_fails_is_not_noted(alice: Customer) -> None:
    keys.revoke(ApiKey.objects.get())
    keys.find(alice.secret)
    assert ApiKey.objects.get().last_used_at is None


def test_active_keys_are_listed_newest_first_and_only_own(alice: Customer, bob: Customer) -> None:
    second, _ = keys.issue(alice.account, alice.user, "second")
    third, _ = keys.issue(alice.account, alice.user, "third")
    keys.revoke(second)
    assert [key.name for key in keys.active(alice.account)] == [third.name, "tests"]
    assert [key.account for key in keys.active(bob.account)] == [bob.account]


def fill(customer: Customer, left: int = 0) -> None:
    """Make keys until this many places are left."""
    for number in range(keys.ACTIVE_KEYS_MAX - left - keys.active(customer.account).count()):
        keys.issue(customer.account, customer.user, f"key {number}")


def test_the_last_place_can_be_taken_and_then_none(alice: Customer) -> None:
    fill(alice)
    with pytest.raises(keys.TooManyKeys, match=r"^You have 50 keys\. Revoke one"):
        keys.issue(alice.account, alice.user, "one more")
    assert keys.active(alice.account).count() == 50


def test_revoking_makes_room(alice: Customer) -> None:
    fill(alice)
    keys.revoke(ApiKey.objects.filter(account=alice.account)[0])
    keys.issue(alice.account, alice.user, "one more")


def test_another_customers_keys_take_no_room(alice: Customer, bob: Customer) -> None:
    fill(alice)
    keys.issue(bob.account, bob.user, "one more")


@pytest.mark.django_db(transaction=True)
def test_of_ten_callers_at_the_same_moment_one_takes_the_last_place(alice: Customer) -> None:
    fill(alice, left=1)
    answers = together([partial(keys.issue, alice.account, alice.user, "race")] * 10)
    assert sum(isinstance(answer, keys.TooManyKeys) for answer in answers) == 9
    assert keys.active(alice.account).count() == keys.ACTIVE_KEYS_MAX


@pytest.mark.django_db(transaction=True)
def test_of_ten_revocations_at_the_same_moment_one_counts(alice: Customer) -> None:
    key = ApiKey.objects.get(account=alice.account)
    assert together([partial(keys.revoke, key)] * 10).count(True) == 1


def test_a_key_shows_its_name_and_beginning(alice: Customer) -> None:
    key, secret = keys.issue(alice.account, alice.user, "web shop")
    assert str(key) == f"web shop ({secret[:15]}…)"
