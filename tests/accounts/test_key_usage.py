"""What was made with a key, day by day, exact to the micro-dollar."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey
from generations import catalog, failures, key_usage, lifecycle
from generations.key_usage import Day
from generations.models import Generation
from generations.storage import Film
from tests.cast import Customer

NOW = timedelta()
TODAY = timezone.now().astimezone(UTC).date()


def ask(key: ApiKey, days_ago: int = 0, **inputs: Any) -> Generation:
    """Request a job with the key, so many days ago."""
    wanted = catalog.IMAGE_TO_VIDEO.clean({"image": "https://p.test/a.jpg", **inputs})
    job = lifecycle.request(key.account, catalog.IMAGE_TO_VIDEO, wanted, api_key=key)
    moment = timezone.now() - timedelta(days=days_ago)
    Generation.objects.filter(pk=job.pk).update(created_at=moment)
    return job


def complete(job: Generation, seconds: int) -> None:
    """End a job with a film of so many seconds."""
    assert lifecycle.start_submit(job, "https://pictures.test/a")
    assert lifecycle.accept(job, job.id.hex, NOW)
    files = ("v.mp4", "p.jpg", "s.jpg", "w.mp4", "p.webp")
    film = Film(*files, 1280, 720, 24 * seconds, seconds * 1000, 1, "0")
    assert lifecycle.finish(job, film)


def usage_of(key: ApiKey) -> key_usage.Usage:
    return key_usage.of_keys([key])[key.pk]


@pytest.fixture
def key(alice: Customer) -> ApiKey:
    """Alice's key."""
    return ApiKey.objects.select_related("account").get()


def test_a_day_counts_jobs_seconds_and_money(key: ApiKey) -> None:
    complete(ask(key, duration=5, resolution="1080p"), seconds=5)
    complete(ask(key, duration=5), seconds=3)
    ask(key, duration=4)
    lifecycle.fail(ask(key, duration=15), failures.MODEL_FAILED)

    assert usage_of(key).days == (Day(TODAY, 4, 1, 5 + 3 + 4, 945_000 + 420_000 + 560_000),)


def test_days_are_told_apart_and_the_latest_is_first(key: ApiKey) -> None:
    ask(key, days_ago=2, duration=3)
    ask(key, duration=5)
    ask(key, days_ago=2, duration=3)
    usage = usage_of(key)
    assert usage.days == (
        Day(TODAY, 1, 0, 5, 700_000),
        Day(TODAY - timedelta(days=2), 2, 0, 6, 840_000),
    )
    assert (usage.jobs, usage.seconds, usage.spent_micros) == (3, 11, 1_540_000)


def test_only_the_last_days_are_shown(key: ApiKey) -> None:
    ask(key, days_ago=key_usage.DAYS - 1)
    ask(key, days_ago=key_usage.DAYS)
    assert [day.day for day in usage_of(key).days] == [TODAY - timedelta(days=key_usage.DAYS - 1)]


def test_days_are_those_of_utc(key: ApiKey) -> None:
    job = ask(key)
    moment = datetime.combine(TODAY - timedelta(days=1), datetime.max.time(), tzinfo=UTC)
    Generation.objects.filter(pk=job.pk).update(created_at=moment)
    assert [day.day for day in usage_of(key).days] == [TODAY - timedelta(days=1)]


def test_each_key_has_its_own_and_the_website_none(alice: Customer, key: ApiKey) -> None:
    other, _ = keys.issue(alice.account, alice.user, "other")
    wanted = catalog.IMAGE_TO_VIDEO.clean({"image": "https://p.test/a.jpg"})
    lifecycle.request(alice.account, catalog.IMAGE_TO_VIDEO, wanted)
    ask(other)
    usage = key_usage.of_keys([key, other])
    assert (usage[key.pk].jobs, usage[other.pk].jobs) == (0, 1)


def test_what_was_deleted_was_spent_all_the_same(key: ApiKey) -> None:
    job = ask(key)
    complete(job, seconds=5)
    Generation.objects.filter(pk=job.pk).update(deleted_at=timezone.now(), video="")
    assert usage_of(key).spent_micros == 700_000


def test_without_keys_there_is_nothing() -> None:
    assert key_usage.of_keys([]) == {}


def test_the_highest_bar_fills_the_chart_and_the_smallest_can_be_seen() -> None:
    days = (
        Day(TODAY, 1, 0, 5, 10_000_000),
        Day(TODAY - timedelta(days=1), 1, 0, 5, 1),
    )
    bars = key_usage.bars(key_usage.Usage(days))
    assert len(bars) == key_usage.DAYS
    assert bars[-2:] == [1, key_usage.BAR_HEIGHT]
    assert set(bars[:-2]) == {0}
    assert set(key_usage.bars(key_usage.Usage())) == {0}
