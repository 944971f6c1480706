"""The word that wakes a driver: heard after the commit, said once for many, never needed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from typing import Any, TypeVar

import psycopg
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection, transaction
from django_q.models import OrmQ

from generations import lifecycle, wakeups
from generations.driver import TICK_SECONDS
from generations.models import Generation
from generations.wakeups import Ear
from tests import cast
from tests.generations import stage

# Long for a machine that does nothing else, and shorter than the driver's own tick.
SOON = 1.5
SILENCE = 0.3
PATIENCE = 20.0

T = TypeVar("T")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what other tests have said and seen in this process."""
    monkeypatch.setattr(wakeups._Memory, "said", 0.0)
    monkeypatch.setattr(wakeups._Memory, "seated", 0.0)


@pytest.fixture
def short_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be quiet soon after a word."""
    monkeypatch.setattr(wakeups, "ECHO_SECONDS_MAX", wakeups.ECHO_SECONDS)


def awaited(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run the test's coroutine beside the thread that owns Django's connection."""

    @wraps(test)
    def run() -> None:
        async_to_sync(test)()

    return run


def in_thread(function: Callable[[], T]) -> Awaitable[T]:
    """Run what uses Django's connection while the ear listens."""
    return sync_to_async(function)()


def elsewhere() -> psycopg.Connection[Any]:
    """Connect as another process would."""
    return psycopg.connect(**wakeups._address(), autocommit=True)


def who_listens() -> list[int]:
    """Return the server's processes that serve an ear."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE query = %s AND state = 'idle' AND datname = current_database()",
            [f"LISTEN {wakeups.CHANNEL}"],
        )
        return [pid for (pid,) in cursor.fetchall()]


async def listening(but: int = 0) -> int:
    """Return the process that serves the ear, as soon as there is one, other than `but`."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for pid in await in_thread(who_listens):
                if pid != but:
                    return pid


async def quiet(ear: Ear) -> None:
    """Return when nothing is heard any more, echoes included."""
    async with asyncio.timeout(PATIENCE):
        while await ear.wait(2 * wakeups.ECHO_SECONDS_MAX + SILENCE):
            pass


@contextmanager
def seat_taken() -> Iterator[None]:
    """Hold some cluster's seat."""
    with closing(elsewhere()) as other:
        other.execute("SELECT pg_advisory_lock(%s, 7)", [wakeups.SEATS])
        yield


@pytest.mark.usefixtures("short_echo")
@awaited
async def test_a_word_is_heard_after_the_commit_and_not_before() -> None:
    loop = asyncio.get_running_loop()
    async with Ear() as ear:
        await listening()
        await quiet(ear)

        def speak() -> bool:
            with transaction.atomic():
                wakeups.say()
                return asyncio.run_coroutine_threadsafe(ear.wait(SILENCE), loop).result()

        assert not await in_thread(speak)
        assert await ear.wait(SOON)


@pytest.mark.usefixtures("short_echo")
@awaited
async def test_a_word_that_is_rolled_back_is_not_heard_and_silences_no_other() -> None:
    async with Ear() as ear:
        await listening()
        await quiet(ear)

        def think_better_of_it() -> None:
            with transaction.atomic():
                wakeups.say()
                transaction.set_rollback(True)

        await in_thread(think_better_of_it)
        # At once: within the time for which one word speaks for all.
        await in_thread(wakeups.say)
        assert await ear.wait(SOON)
        await quiet(ear)

        await in_thread(think_better_of_it)
        assert not await ear.wait(SILENCE)


def test_of_many_words_at_one_moment_few_are_said() -> None:
    with closing(elsewhere()) as other:
        other.execute(f"LISTEN {wakeups.CHANNEL}")
        began = time.monotonic()
        for _ in range(200):
            wakeups.say()
        took = time.monotonic() - began
        said = len(list(other.notifies(timeout=SILENCE)))

    assert 1 <= said <= 2 + took / wakeups.ECHO_SECONDS


@awaited
async def test_a_job_that_commits_long_after_the_word_that_spoke_for_it_is_seen_soon() -> None:
    dora = await in_thread(lambda: cast.customer("dora", "5"))
    loop = asyncio.get_running_loop()
    async with Ear() as ear:
        await listening()
        await quiet(ear)

        def request_slowly() -> float:
            wakeups.say()
            with transaction.atomic():
                # Nothing is said for this one: somebody just spoke.
                wakeups._Memory.said = time.monotonic()
                stage.job(dora)
                for _ in range(3):
                    asyncio.run_coroutine_threadsafe(ear.wait(SILENCE), loop).result()
            return time.monotonic()

        committed = await in_thread(request_slowly)
        assert await in_thread(Generation.objects.exists)
        assert await ear.wait(SOON)
        assert time.monotonic() - committed < TICK_SECONDS


@awaited
async def test_the_last_of_a_burst_of_jobs_is_not_overlooked() -> None:
    dora = await in_thread(lambda: cast.customer("dora", "25"))
    picture = await in_thread(lambda: stage.upload(dora))
    seen = 0
    async with Ear() as ear:
        await listening()
        await quiet(ear)

        def request_all() -> float:
            for _ in range(30):
                stage.job(dora, picture)
            return time.monotonic()

        requesting = asyncio.ensure_future(in_thread(request_all))
        while seen < 30:
            # As a driver does: it looks only when it hears something.
            assert await ear.wait(PATIENCE)
            seen = await in_thread(Generation.objects.count)
        assert time.monotonic() - await requesting < TICK_SECONDS


@pytest.mark.usefixtures("short_echo")
@awaited
async def test_an_ear_whose_connection_was_cut_hears_again() -> None:
    async with Ear() as ear:
        pid = await listening()
        await quiet(ear)

        def cut() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [pid])

        await in_thread(cut)
        # What was said in between may be lost, so it looks once when it can hear again.
        assert await ear.wait(PATIENCE)
        assert await listening(but=pid) != pid
        await quiet(ear)

        await in_thread(wakeups.say)
        assert await ear.wait(SOON)


@pytest.mark.usefixtures("short_echo")
@awaited
async def test_waiting_ends_without_a_word_when_the_time_is_up() -> None:
    async with Ear() as ear:
        await listening()
        await quiet(ear)
        assert not await ear.wait(0.01)
        ear.ring()
        assert await ear.wait(PATIENCE)
        assert not await ear.wait(0.01)


def test_without_a_driver_at_work_a_job_queues_a_task_that_seats_one() -> None:
    stage.job(cast.customer("dora", "5"))

    assert wakeups.seats_taken() == 0
    assert [task.task["func"] for task in OrmQ.objects.all()] == [wakeups.DRIVE]


def test_with_a_driver_at_work_no_task_is_queued() -> None:
    dora = cast.customer("dora", "5")
    with seat_taken():
        assert wakeups.seats_taken() == 1
        job = stage.job(dora)
        assert lifecycle.make_due(str(job.pk))

    assert not OrmQ.objects.exists()


def test_a_driver_that_went_away_is_missed_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    dora = cast.customer("dora", "5")
    with seat_taken():
        stage.job(dora)
    remembered = wakeups._Memory.seated
    assert remembered > 0
    monkeypatch.setattr(wakeups._Memory, "seated", remembered - wakeups.SEATED_SECONDS - 1)

    while wakeups.seats_taken():
        # The server takes a moment to notice that the other session is over.
        assert time.monotonic() - remembered < PATIENCE
    stage.job(dora)

    assert OrmQ.objects.count() == 1
