"""What an account may ask of us: requests a minute by key and account, and jobs at once."""

import contextlib
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts import keys, rates
from accounts.models import Account, ApiKey, RequestCount
from billing import ledger
from billing.models import LedgerAccount, Transfer
from config import limits
from generations import failures, lifecycle, line, places
from generations.models import Generation
from tests import redis as redis_server
from tests.billing.races import together
from tests.cast import Customer
from tests.config.interpreter import local_environment, public_environment, settings_of
from tests.generations import stage
from tests.ports import free_port

BALANCE = "/api/v3/balance"
NOON = 1_800_000_000.0
READY_TRIES_MAX = 2000


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock that tells minutes apart, 20 s into one."""
    monkeypatch.setattr(rates, "now", lambda: NOON + 20)


@pytest.fixture
def tight(settings: Settings) -> Settings:
    """3 requests a minute by a key and 5 by an account, 2 jobs; double from $100 on."""
    settings.LIMITS = limits.parse("0=3/5/2,100=6/10/4")
    return settings


def pay(customer: Customer, dollars: int, reference: str = "purchase:1") -> None:
    """Have the customer buy credit."""
    ledger.deposit(
        customer.account,
        dollars * 1_000_000,
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
        reference=reference,
    )


# The table.


@pytest.mark.parametrize(
    ("paid_dollars", "jobs"), [(-1, 20), (0, 20), (99, 20), (100, 100), (5000, 500), (10**6, 2000)]
)
def test_limits_grow_with_what_was_paid(settings: Settings, paid_dollars: int, jobs: int) -> None:
    settings.LIMITS = limits.parse(limits.LADDER)
    assert limits.tier_of(paid_dollars * 1_000_000).running_jobs == jobs


def test_a_cent_less_is_not_enough(tight: Settings) -> None:
    assert limits.tier_of(99_990_000).key_per_minute == 3
    assert limits.tier_of(100_000_000).key_per_minute == 6


def test_steps_may_come_in_any_order() -> None:
    assert limits.parse("100=6/10/4, 0=3/5/2") == limits.parse("0=3/5/2,100=6/10/4")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "LIMITS has steps such as"),
        ("0=3/5", "not '0=3/5'"),
        ("0=3/5/0", "not '0=3/5/0'"),
        ("0=-3/5/2", "LIMITS has steps"),
        ("0=three/5/2", "LIMITS has steps"),
        ("5=3/5/2", "starts with 0="),
        ("0=3/5/2,0=6/5/2", "names each sum once"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(text: str, says: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(says)):
        limits.parse(text)


def test_the_environment_names_the_table(tmp_path: Path) -> None:
    chosen = settings_of(local_environment(tmp_path) | {"LIMITS": "0=3/5/2"}, "LIMITS")
    assert "key_per_minute=3" in chosen[0][0]
    assert len(settings_of(public_environment(tmp_path), "LIMITS")[0]) == 4
    assert len(settings_of(local_environment(tmp_path), "LIMITS")[0]) == 1


# What was paid.


def test_payments_count_and_promotions_do_not(alice: Customer) -> None:
    assert Account.objects.get().paid_micros == 0
    pay(alice, 40)
    pay(alice, 40)
    pay(alice, 60, "purchase:2")
    assert Account.objects.get().paid_micros == 100_000_000


def test_what_goes_back_counts_no_longer_even_when_it_is_owed(alice: Customer) -> None:
    pay(alice, 100)
    ledger.hold(alice.account, 120_000_000, reference="generation:1")
    for _ in range(2):
        ledger.claw_back(
            alice.account,
            100_000_000,
            to=LedgerAccount.Code.STRIPE,
            kind=Transfer.Kind.REFUND,
            reference="refund:1",
        )
    assert ledger.book(alice.account).receivable_micros > 0
    assert Account.objects.get().paid_micros == 0


def test_a_bonus_that_is_taken_back_changes_nothing(alice: Customer) -> None:
    pay(alice, 100)
    ledger.claw_back(
        alice.account,
        5_000_000,
        to=LedgerAccount.Code.PROMOTIONS,
        kind=Transfer.Kind.BONUS_BACK,
        reference="refund:1:bonus",
    )
    assert Account.objects.get().paid_micros == 100_000_000


# Requests a minute.


def told(answer: Any) -> tuple[str, str]:
    return answer["RateLimit-Policy"], answer["RateLimit"]


def test_every_answer_tells_limits_and_what_is_left(alice: Customer, tight: Settings) -> None:
    assert told(alice.get(BALANCE)) == (
        '"key";q=3;w=60, "account";q=5;w=60',
        '"key";r=2;t=40, "account";r=4;t=40',
    )
    answer = alice.get("/api/v3/predictions/no/result")
    assert answer.status_code == 404
    assert answer["RateLimit"] == '"key";r=1;t=40, "account";r=3;t=40'


def test_above_the_limit_a_request_is_refused_with_when_to_come_back(
    alice: Customer, tight: Settings
) -> None:
    answers = [alice.get(BALANCE) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    refused = answers[3]
    assert refused["Retry-After"] == "40"
    assert refused["RateLimit"] == '"key";r=0;t=40, "account";r=1;t=40'
    said = refused.json()
    assert said["message"].startswith("This key may make 3 requests a minute. Try again in 40 s.")
    assert (said["code"], said["data"]["limit"], said["data"]["retry_after"]) == (429, 3, 40)


def test_a_refused_submit_costs_nothing(alice: Customer, tight: Settings) -> None:
    for _ in range(3):
        alice.get(BALANCE)
    answer = alice.post(stage.MODEL, {"image": "https://p.test/a.jpg"})
    assert answer.status_code == 429
    assert not Generation.objects.exists()


def test_the_keys_of_an_account_share_its_limit(
    alice: Customer, charlie: Customer, tight: Settings
) -> None:
    _, second = keys.issue(alice.account, alice.user, "second")
    bearer = {"Authorization": f"Bearer {second}"}
    for _ in range(3):
        alice.get(BALANCE)
    answers = [Client().get(BALANCE, headers=bearer) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["message"].startswith("This account may make 5 requests a minute.")
    assert charlie.get(BALANCE).status_code == 200


def test_the_next_minute_begins_anew(
    alice: Customer, tight: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        alice.get(BALANCE)
    monkeypatch.setattr(rates, "now", lambda: NOON + 60)
    answer = alice.get(BALANCE)
    assert answer.status_code == 200
    assert answer["RateLimit"] == '"key";r=2;t=60, "account";r=4;t=60'


def test_a_clock_that_is_behind_gives_nothing_back(
    alice: Customer, tight: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        alice.get(BALANCE)
    monkeypatch.setattr(rates, "now", lambda: NOON - 20)
    assert alice.get(BALANCE).status_code == 429
    monkeypatch.setattr(rates, "now", lambda: NOON + 20)
    assert alice.get(BALANCE).status_code == 429


def test_paying_lifts_the_limit_at_once(alice: Customer, tight: Settings) -> None:
    for _ in range(4):
        alice.get(BALANCE)
    pay(alice, 100)
    assert alice.get(BALANCE)["RateLimit"] == '"key";r=1;t=40, "account";r=5;t=40'


def test_what_is_no_key_counts_for_nobody(alice: Customer, tight: Settings) -> None:
    for _ in range(5):
        refused = Client().get(BALANCE, headers={"Authorization": "Bearer gal_live_no"})
        assert refused.status_code == 401
        assert "RateLimit" not in refused
    assert not RequestCount.objects.exists()


def test_a_signed_upload_address_needs_no_key_and_counts_for_nobody(
    alice: Customer, tight: Settings
) -> None:
    assert Client().put("/api/v3/media/uploads/no").status_code == 404
    assert not RequestCount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_twenty_parallel_requests_exactly_the_limit_passes(
    alice: Customer, tight: Settings
) -> None:
    answers: list[Any] = together([lambda: alice.get(BALANCE)] * 20)
    assert sum(answer.status_code == 200 for answer in answers) == 3
    assert RequestCount.objects.get().requests == 20


def test_counting_takes_no_round_trip_of_its_own(
    alice: Customer, django_assert_num_queries: Any
) -> None:
    alice.get(BALANCE)
    with django_assert_num_queries(1):
        found = keys.find_counting(alice.secret)
    assert found is not None
    assert found[1] == rates.Counts(2, 2, 40)


@pytest.mark.django_db
def test_counts_are_kept_without_a_write_ahead_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relpersistence FROM pg_class WHERE relname = %s",
            [RequestCount._meta.db_table],
        )
        assert cursor.fetchone() == ("u",)


# With Redis.


@pytest.fixture
def with_redis(tight: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A real Redis."""
    with redis_server.running(tmp_path, free_port()) as url:
        tight.REDIS_URL = url
        rates._redis.cache_clear()
        client = rates._redis(url)
        await_redis(client)
        yield tight
        client.close()
        rates._redis.cache_clear()


def await_redis(client: redis.Redis) -> None:
    """Return as soon as the server answers."""
    for _ in range(READY_TRIES_MAX):
        with contextlib.suppress(redis.ConnectionError):
            client.ping()
            return
    raise AssertionError("Redis did not answer")


def test_redis_counts_when_there_is_one(alice: Customer, with_redis: Settings) -> None:
    answers = [alice.get(BALANCE) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[1]["RateLimit"] == '"key";r=1;t=40, "account";r=3;t=40'
    assert not RequestCount.objects.exists()
    store = rates._redis(with_redis.REDIS_URL)
    assert {0 < int(str(store.ttl(name))) <= 120 for name in store.keys()} == {True}  # noqa: SIM118


def test_without_its_redis_the_api_goes_on(alice: Customer, tight: Settings) -> None:
    tight.REDIS_URL = "redis://127.0.0.1:1/0"
    rates._redis.cache_clear()
    assert [alice.get(BALANCE).status_code for _ in range(5)] == [200] * 5
    rates._redis.cache_clear()


# Jobs at once.


def wait(customer: Customer, count: int) -> list[Generation]:
    picture = stage.upload(customer)
    return [stage.job(customer, picture) for _ in range(count)]


def test_jobs_above_the_accounts_limit_wait_and_nobody_is_refused(
    alice: Customer, charlie: Customer, tight: Settings
) -> None:
    mine, his = wait(alice, 4), wait(charlie, 1)

    claimed = {job.pk for job in places.claim(10)}

    assert claimed == {mine[0].pk, mine[1].pk, his[0].pk}
    assert places.claim(10) == []


def test_one_that_ends_lets_the_next_go(alice: Customer, tight: Settings) -> None:
    jobs = wait(alice, 3)
    first, _ = places.claim(10)
    assert lifecycle.start_submit(first, "https://pictures.test/a")
    assert lifecycle.accept(first, first.id.hex, timedelta())
    assert places.claim(10) == []
    lifecycle.fail(first, failures.CANCELLED)
    assert places.claim(10) == [jobs[2]]


def test_running_and_waiting_count_together(alice: Customer, tight: Settings) -> None:
    stage.processing(alice)
    wait(alice, 3)
    assert len(places.claim(10)) == 1


def test_paying_lets_more_run(alice: Customer, tight: Settings) -> None:
    wait(alice, 6)
    assert len(places.claim(10)) == 2
    pay(alice, 100)
    assert len(places.claim(10)) == 2


def test_a_limit_of_the_upstream_below_it_still_holds(alice: Customer, tight: Settings) -> None:
    tight.WAVESPEED_CONCURRENCY = 1
    wait(alice, 3)
    assert len(places.claim(10)) == 1


def test_what_waits_for_its_own_account_is_before_nobody(
    alice: Customer, charlie: Customer, tight: Settings
) -> None:
    tight.WAVESPEED_CONCURRENCY = 100
    stage.processing(alice)
    mine, his = wait(alice, 4), wait(charlie, 1)
    line.forget()

    place = line.place_of(his[0])

    assert place is not None
    assert place.before == 0
    late = line.place_of(mine[3])
    assert late is not None
    assert late.starts is not None
    assert late.starts.low > 0, "three of its own must end first"


def test_a_key_tells_the_limits_of_its_account(alice: Customer, tight: Settings) -> None:
    assert alice.get("/api/v3/key").json()["data"]["limits"] == {
        "key_requests_per_minute": 3,
        "account_requests_per_minute": 5,
        "running_jobs": 2,
    }


def test_the_page_shows_the_table_and_where_one_stands(alice: Customer, tight: Settings) -> None:
    pay(alice, 100)
    page = alice.browser.get("/account/keys").content.decode()
    here = page[page.index('aria-current="true"') :]
    assert "$100 and more" in here[:300]
    assert "You are here" in here[:300]
    assert ApiKey.objects.count() == 1
