"""Places upstream: the limits hold whoever asks, shares are equal, and 429 teaches a ceiling."""

import threading
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from config.outbound import Fetcher
from generations import failures, lifecycle, places, wavespeed
from generations.driver import Driver
from generations.models import Generation, Submission, UpstreamState
from tests import cast
from tests.cast import Customer
from tests.chaos.dice import numbers
from tests.generations import stage
from tests.generations.stage import Status, fresh

NOW = timedelta()
UPSTREAM_IMAGE = "https://pictures.test/copy.jpg"
WAITING = {"small": 1, "medium": 5, "large": 20, "huge": 100}

Drive = Callable[[], None]


@pytest.fixture
def tier(settings: Settings) -> Settings:
    """The smallest tier: 3 at once and 5 a minute."""
    settings.WAVESPEED_CONCURRENCY, settings.WAVESPEED_PER_MINUTE = 3, 5
    return settings


def waiting(customer: Customer, count: int, **inputs: Any) -> list[Generation]:
    """Request so many jobs with one picture."""
    picture = stage.upload(customer)
    return [stage.job(customer, picture, **inputs) for _ in range(count)]


def run(job: Generation) -> None:
    """Have the upstream take a job that got its place."""
    assert lifecycle.start_submit(job, UPSTREAM_IMAGE)
    assert lifecycle.accept(job, job.id.hex, NOW)


def end(job: Generation) -> None:
    """Have the job leave its place."""
    assert lifecycle.fail(job, failures.MODEL_FAILED)


def pass_time(**by: float) -> None:
    """Let the time pass that counts for submissions."""
    for submission in Submission.objects.all():
        sent_at = submission.sent_at - timedelta(**by)
        Submission.objects.filter(pk=submission.pk).update(sent_at=sent_at)


def upstream_has(sandbox: str, jobs: Collection[Generation]) -> Counter[str]:
    """Return how often the stand-in has accepted each of these jobs."""
    found = httpx.get(f"{sandbox}/_sandbox/predictions").json()["predictions"]
    ours = {str(job.pk) for job in jobs}
    hooks = [name for one in found for name in one["webhook"].split("/")]
    return Counter(name for name in hooks if name in ours)


def test_no_more_run_at_once_than_the_tier_allows(alice: Customer, settings: Settings) -> None:
    settings.WAVESPEED_CONCURRENCY = 3
    waiting(alice, 5)

    first, second, third = places.claim(100)
    assert places.claim(100) == [], "jobs on their way have a place"

    lifecycle.start_submit(first, UPSTREAM_IMAGE)
    run(second)
    run(third)
    lifecycle.doubt(first, timedelta(minutes=1), "504")
    assert places.claim(100) == [], "so have those running and those in doubt"

    end(second)
    assert len(places.claim(100)) == 1


def test_a_place_is_free_again_when_its_worker_died_on_the_way(
    alice: Customer, settings: Settings
) -> None:
    settings.WAVESPEED_CONCURRENCY = 1
    waiting(alice, 2)
    [lost] = places.claim(10)
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    assert [job.pk for job in places.claim(10)] == [lost.pk]


def test_no_more_are_submitted_a_minute_than_the_tier_allows(
    alice: Customer, settings: Settings
) -> None:
    settings.WAVESPEED_PER_MINUTE = 5
    waiting(alice, 8)

    for job in places.claim(3):
        run(job)
        end(job)
    on_their_way = places.claim(100)
    assert len(on_their_way) == 2
    assert places.claim(100) == [], "3 that were sent, ended or not, and 2 on their way"

    for job in on_their_way:
        run(job)
    pass_time(seconds=59)
    assert places.claim(100) == []
    pass_time(seconds=7)
    assert len(places.claim(100)) == 3


def test_a_post_that_was_turned_away_counts_for_the_minute_all_the_same(
    alice: Customer, settings: Settings
) -> None:
    settings.WAVESPEED_PER_MINUTE = 2
    waiting(alice, 1)
    for _ in range(2):
        [job] = places.claim(1)
        lifecycle.start_submit(job, UPSTREAM_IMAGE)
        lifecycle.put_back(job, NOW, "429")

    assert Submission.objects.filter(outcome="turned_away").count() == 2
    assert places.claim(1) == []


@pytest.mark.django_db(transaction=True)
def test_two_drivers_at_once_keep_the_limits_together(tier: Settings, sandbox: str) -> None:
    dora = cast.customer("dora", "25")
    jobs = waiting(dora, 12, prompt="[stuck]")

    async def drive() -> None:
        async with wavespeed.Client() as upstream, Fetcher() as fetcher:
            driver = Driver(upstream, fetcher)
            for _ in range(5):
                await driver.run_due()

    def drive_both() -> None:
        start = threading.Barrier(2)

        def begin(_: int) -> None:
            start.wait()
            try:
                async_to_sync(drive)()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as drivers:
            list(drivers.map(begin, range(2)))

    drive_both()
    assert upstream_has(sandbox, jobs).total() == 3

    for job in Generation.objects.filter(status=Status.PROCESSING):
        end(job)
    drive_both()
    assert upstream_has(sandbox, jobs).total() == 5

    pass_time(seconds=66)
    drive_both()
    assert upstream_has(sandbox, jobs).total() == 6
    assert set(upstream_has(sandbox, jobs).values()) == {1}
    assert not Submission.objects.filter(outcome="turned_away").exists()


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_are_dealt_the_limit_and_not_one_more(tier: Settings) -> None:
    dora = cast.customer("dora", "25")
    waiting(dora, 12)
    start = threading.Barrier(6)

    def claim(_: int) -> list[Generation]:
        start.wait()
        try:
            return places.claim(2, uuid4())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as drivers:
        dealt = [job.pk for jobs in drivers.map(claim, range(6)) for job in jobs]

    assert len(dealt) == len(set(dealt)) == 3


@pytest.fixture
def crowd(db: None) -> dict[UUID, str]:
    """Four accounts with 1, 5, 20 and 100 waiting jobs, the huge one first; names by account."""
    people = {name: cast.customer(name, "50") for name in reversed(WAITING)}
    for name, customer in people.items():
        waiting(customer, WAITING[name])
    return {customer.account.pk: name for name, customer in people.items()}


@pytest.mark.parametrize("places_upstream", [1, 3, 4, 10])
def test_accounts_with_1_5_20_and_100_jobs_get_equal_shares(
    places_upstream: int, crowd: dict[UUID, str], settings: Settings
) -> None:
    settings.WAVESPEED_CONCURRENCY = places_upstream
    served, running = Counter[str](), list[Generation]()
    for _ in range(60):
        for job in places.claim(100):
            run(job)
            running.append(job)
            served[crowd[job.account_id]] += 1
        # The longest running ends first, as films of the same length do.
        end(running.pop(0))
        shares = {served[name] for name, most in WAITING.items() if served[name] < most}
        assert max(shares) - min(shares) <= 1, served

    assert served["small"] == 1
    assert served["medium"] == 5
    assert served["large"] == min(20, served["huge"])


@pytest.mark.parametrize("seed", range(3))
def test_nobody_starves_whoever_ends_when(
    seed: int, crowd: dict[UUID, str], settings: Settings
) -> None:
    settings.WAVESPEED_CONCURRENCY = 2
    luck, running = numbers(seed, "endings"), list[Generation]()
    served, passed_over = Counter[str](), Counter[str]()
    for _ in range(40):
        for job in places.claim(100):
            run(job)
            name = crowd[job.account_id]
            served[name] += 1
            busy = {name, *(crowd[other.account_id] for other in running)}
            running.append(job)
            for other, most in WAITING.items():
                hungry = other not in busy and served[other] < most
                passed_over[other] = passed_over[other] + 1 if hungry else 0
                assert passed_over[other] < len(WAITING), (other, served)
        end(running.pop(luck.randrange(len(running))))

    assert set(served) == set(WAITING)


def test_among_equals_the_one_served_longest_ago_goes_first(settings: Settings, db: None) -> None:
    settings.WAVESPEED_CONCURRENCY = 1
    people = [cast.customer(name, "5") for name in ("dora", "emil", "frida")]
    for customer in people:
        waiting(customer, 3)
    served = []
    for _ in range(9):
        [job] = places.claim(10)
        run(job)
        served.append(job.account_id)
        end(job)

    assert served == served[:3] * 3
    assert set(served) == {customer.account.pk for customer in people}


def test_an_accounts_own_jobs_go_in_the_order_they_came(alice: Customer) -> None:
    jobs = waiting(alice, 4)

    assert [job.pk for job in places.claim(2)] == [job.pk for job in jobs[:2]]
    assert [job.pk for job in places.claim(9)] == [job.pk for job in jobs[2:]]


def test_a_429_teaches_how_many_may_run_and_the_ceiling_grows_again(
    alice: Customer, settings: Settings
) -> None:
    settings.WAVESPEED_CONCURRENCY = 4
    waiting(alice, 6)
    *taken, refused = places.claim(4)
    for job in taken[:2]:
        run(job)
    lifecycle.start_submit(refused, UPSTREAM_IMAGE)
    lifecycle.put_back(refused, NOW, "429")
    places.lower_ceiling()
    lifecycle.put_back(taken[2], NOW, "429")

    known = places.state()
    assert places.ceiling(known, timezone.now()) == known.ceiling == 2
    assert places.claim(10) == []

    for quarters, most in ((1, 3), (2, 4), (40, 4)):
        ceiling_at = timezone.now() - quarters * places.CEILING_GROWS_AFTER
        UpstreamState.objects.update(ceiling_at=ceiling_at)
        assert places.ceiling(places.state(), timezone.now()) == most
    assert len(places.claim(10)) == 2


def test_a_429_at_the_first_job_leaves_one_place(alice: Customer) -> None:
    waiting(alice, 3)
    [job] = places.claim(1)
    lifecycle.start_submit(job, UPSTREAM_IMAGE)
    lifecycle.put_back(job, NOW, "429")
    places.lower_ceiling()

    assert len(places.claim(10)) == 1


def test_the_driver_learns_from_the_stand_ins_429(alice: Customer, run_driver: Drive) -> None:
    job = stage.job(alice, prompt="[429] [fail]")
    waiting(alice, 3, prompt="[stuck]")

    run_driver()

    assert fresh(job).status == Status.CREATED
    known = places.state()
    # One after the other's answer: between the one place that is always left and the three.
    assert known.ceiling is not None
    assert 1 <= known.ceiling <= 3
    assert known.trouble == ""


def test_without_limits_everyone_waiting_gets_a_place(alice: Customer) -> None:
    waiting(alice, 30)

    assert len(places.claim(100)) == 30
