"""Several drivers, and the task that seats one of them: work is shared and never doubled."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any

import psycopg
import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.db import connection, connections
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule
from pytest_django import Settings

from config.outbound import Fetcher
from generations import claims, lifecycle, places, tasks, wakeups, wavespeed
from generations.driver import Driver
from generations.models import Generation
from tests import cast
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import Status, accepted, fresh

JOBS = 8

# A driver at work has two connections: what it shall see must be committed.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sandbox")]


def run_due() -> int:
    """Run a driver of its own once and return how many jobs it took."""

    async def run() -> int:
        async with wavespeed.Client() as upstream, Fetcher() as fetcher:
            return await Driver(upstream, fetcher).run_due()

    return async_to_sync(run)()


def another_connection() -> psycopg.Connection[Any]:
    """Connect as another process would."""
    server = connection.get_connection_params()
    names = {"host", "port", "dbname", "user", "password"} & server.keys()
    return psycopg.connect(**{name: server[name] for name in names})


@contextmanager
def seat_taken() -> Iterator[None]:
    """Hold the driver's seat from another connection."""
    with another_connection() as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", tasks.seat())
        yield
        # Closing frees it too, but the server takes a moment to notice.
        other.execute("SELECT pg_advisory_unlock(%s, %s)", tasks.seat())


def test_two_drivers_at_once_share_the_jobs_and_double_none(sandbox: str) -> None:
    dora = cast.customer("dora", "25")
    picture = stage.upload(dora)
    jobs = [stage.job(dora, picture, prompt="[fail]") for _ in range(JOBS)]
    start = threading.Barrier(2)

    def drive(_: int) -> int:
        start.wait()
        try:
            return run_due()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as drivers:
        taken = list(drivers.map(drive, range(2)))

    assert sum(taken) == JOBS
    assert [len(accepted(sandbox, job)) for job in jobs] == [1] * JOBS
    assert Generation.objects.filter(status=Status.PROCESSING).count() == JOBS


def test_claims_at_the_same_moment_never_overlap() -> None:
    dora = cast.customer("dora", "25")
    for _ in range(JOBS):
        stage.processing(dora)
    start = threading.Barrier(JOBS)

    def claim(_: int) -> list[Generation]:
        start.wait()
        try:
            return claims.claim(2)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(JOBS) as drivers:
        claimed = [job.pk for jobs in drivers.map(claim, range(JOBS)) for job in jobs]

    assert len(claimed) == len(set(claimed)) <= JOBS
    claims.claim(JOBS)
    assert not Generation.objects.filter(lease_until=None).exists()


def test_places_dealt_at_the_same_moment_never_overlap_and_none_is_left() -> None:
    dora = cast.customer("dora", "25")
    picture = stage.upload(dora)
    for _ in range(JOBS):
        stage.job(dora, picture)
    start = threading.Barrier(JOBS)

    def claim(_: int) -> list[Generation]:
        start.wait()
        try:
            return places.claim(2)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(JOBS) as drivers:
        claimed = [job.pk for jobs in drivers.map(claim, range(JOBS)) for job in jobs]

    assert len(claimed) == len(set(claimed)) == JOBS
    assert not Generation.objects.filter(lease_until=None).exists()


def test_a_row_that_another_driver_is_claiming_is_passed_over_without_waiting() -> None:
    dora = cast.customer("dora", "5")
    busy, free = stage.processing(dora), stage.processing(dora)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")

    with another_connection() as other:
        claiming = "SELECT id FROM generations_generation WHERE id = %s FOR UPDATE"
        other.execute(claiming, [busy.pk])
        claimed = claims.claim(10)

    assert [job.pk for job in claimed] == [free.pk]
    # The connection goes back to a pool that other tests draw from.
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


@pytest.fixture
def leave_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, int], None]]:
    """Have the cluster told to stop when jobs have come to their end so many times."""

    def watch(name: str, times: int) -> None:
        change, left = getattr(lifecycle, name), iter(range(times - 1, -1, -1))

        def change_and_leave(*args: object) -> bool:
            changed: bool = change(*args)
            if next(left) == 0:
                tasks.leaving.set()
            return changed

        monkeypatch.setattr(lifecycle, name, change_and_leave)

    yield watch
    tasks.leaving.clear()


def test_the_task_drives_to_the_end(
    alice: Customer, leave_after: Callable[[str, int], None]
) -> None:
    job = stage.job(alice)
    OrmQ.objects.all().delete()
    leave_after("finish", 1)

    assert tasks.drive() == "the next shift goes on"

    stage.assert_charged(job)
    assert OrmQ.objects.count() == 1


def test_the_task_ends_at_once_when_the_seat_is_taken(alice: Customer) -> None:
    job = stage.job(alice)
    OrmQ.objects.all().delete()

    with seat_taken():
        assert tasks.drive() == "this cluster has a driver"

    assert fresh(job).status == Status.CREATED
    assert not OrmQ.objects.exists()


def test_the_seat_of_one_cluster_is_not_anothers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DRIVER_SHIFT_SECONDS = 0
    with seat_taken():
        mine = tasks.seat()
        monkeypatch.setattr("os.getppid", lambda: 1)

        assert tasks.seat() != mine
        assert tasks.drive() == "the next shift goes on"


def test_a_task_goes_on_to_the_cluster_that_has_no_driver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("django_q.status.Stat.get_all", lambda: ["our cluster", "another"])
    with seat_taken():
        assert tasks.drive(3) == "handed on to a cluster without a driver"
        [handed_on] = OrmQ.objects.all()
        task = handed_on.task
        assert (task["func"], task["args"]) == (wakeups.DRIVE, (4,))

        assert tasks.drive(tasks.HOPS_MAX) == "this cluster has a driver"
        assert OrmQ.objects.count() == 1


def test_the_seat_is_free_again_after_a_shift(settings: Settings) -> None:
    settings.DRIVER_SHIFT_SECONDS = 0
    assert tasks.drive() == "the next shift goes on"
    with seat_taken():
        pass

    assert tasks.drive() == "the next shift goes on"


def test_the_seat_is_free_again_when_a_shift_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: float) -> None:
        raise RuntimeError("The shift broke.")

    monkeypatch.setattr(tasks, "_shift", broken)
    with pytest.raises(RuntimeError, match="The shift broke"):
        tasks.drive()

    with seat_taken():
        pass


def test_a_shift_that_leaves_work_hands_it_to_the_next(alice: Customer, settings: Settings) -> None:
    settings.DRIVER_SHIFT_SECONDS = 0
    job = stage.job(alice)
    OrmQ.objects.all().delete()

    assert tasks.drive() == "the next shift goes on"

    assert fresh(job).status == Status.CREATED
    assert [waiting.task["func"] for waiting in OrmQ.objects.all()] == [wakeups.DRIVE]


def test_with_nothing_to_do_the_shift_lasts_and_then_seats_one_successor(
    settings: Settings,
) -> None:
    settings.DRIVER_SHIFT_SECONDS = 0.2
    began = time.monotonic()

    assert tasks.drive() == "the next shift goes on"

    assert time.monotonic() - began >= 0.2
    assert OrmQ.objects.count() == 1


def test_a_cluster_that_is_told_to_stop_has_its_driver_leave_before_its_shift_ends(
    settings: Settings, leave_after: Callable[[str, int], None]
) -> None:
    assert settings.DRIVER_SHIFT_SECONDS >= 60
    began = time.monotonic()
    tasks.leaving.set()

    assert tasks.drive() == "the next shift goes on"

    assert time.monotonic() - began < 30


def test_a_shift_goes_on_with_jobs_that_come_while_it_lasts(
    alice: Customer,
    monkeypatch: pytest.MonkeyPatch,
    leave_after: Callable[[str, int], None],
) -> None:
    first = stage.job(alice, prompt="[fail]")
    late: list[Generation] = []
    fail = lifecycle.fail

    def and_another(*args: object) -> bool:
        if not late:
            late.append(stage.job(alice, prompt="[fail]"))
        return fail(*args)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(lifecycle, "fail", and_another)
    leave_after("fail", 2)

    assert tasks.drive() == "the next shift goes on"

    assert [fresh(job).status for job in (first, *late)] == [Status.FAILED, Status.FAILED]


def test_a_driver_takes_no_more_than_it_has_hands(
    alice: Customer, run_driver: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generations.driver.STEPS_MAX", 2)
    picture = stage.upload(alice)
    for _ in range(3):
        stage.job(alice, picture, prompt="[fail]")

    run_driver()
    assert Generation.objects.filter(status=Status.PROCESSING).count() == 3
    Generation.objects.update(due_at=timezone.now())
    run_driver()
    assert Generation.objects.filter(status=Status.FAILED).count() == 2
    run_driver()
    assert Generation.objects.filter(status=Status.FAILED).count() == 3


def test_a_driver_submits_no_more_at_once_than_it_may(
    alice: Customer, run_driver: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Submissions have hands of their own: work on other jobs takes none of them.
    monkeypatch.setattr("generations.driver.STEPS_MAX", 0)
    monkeypatch.setattr("generations.driver.SUBMISSIONS_MAX", 2)
    picture = stage.upload(alice)
    for _ in range(3):
        stage.job(alice, picture, prompt="[fail]")

    run_driver()
    assert Generation.objects.filter(status=Status.CREATED).count() == 1
    run_driver()
    assert Generation.objects.filter(status=Status.PROCESSING).count() == 3


@pytest.mark.django_db
def test_with_redis_the_wake_up_waits_for_the_commit(
    alice: Customer,
    settings: Settings,
    django_capture_on_commit_callbacks: Callable[[], AbstractContextManager[list[Any]]],
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"

    with django_capture_on_commit_callbacks() as waiting:
        stage.job(alice)

    assert not OrmQ.objects.exists()
    for call in waiting:
        call()
    assert [waiting.task["func"] for waiting in OrmQ.objects.all()] == [wakeups.DRIVE]


def test_the_clock_wakes_the_driver_whatever_became_of_the_wake_ups() -> None:
    # A test that empties the tables may have run before.
    planned = import_module("generations.migrations.0002_wake_every_minute")
    planned.plan(apps, None)
    planned.plan(apps, None)

    schedule = Schedule.objects.get(name="wake the driver")
    assert (schedule.func, schedule.schedule_type, schedule.minutes) == (
        wakeups.DRIVE,
        "I",
        1,
    )
    planned.cancel(apps, None)
    assert not Schedule.objects.filter(name="wake the driver").exists()


def test_the_wake_up_leads_to_the_task() -> None:
    assert import_string(wakeups.DRIVE) is tasks.drive
