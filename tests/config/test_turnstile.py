"""The way into the database: one at a time, urgent ones first, and nobody is forgotten."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from config.turnstile import Turnstile, close_connections, express, in_db, in_db_first, urgent


async def queue(gate: Turnstile, names: list[str], done: list[str]) -> list[asyncio.Task[None]]:
    """Have these stand before the gate in this order; those in capitals are urgent."""

    async def pass_through(name: str) -> None:
        async with gate:
            done.append(name)

    tasks = []
    for name in names:
        before = urgent.set(name.isupper())
        tasks.append(asyncio.create_task(pass_through(name)))
        urgent.reset(before)
        await asyncio.sleep(0)
    return tasks


def test_urgent_ones_go_first_and_otherwise_it_is_first_come_first_served() -> None:
    async def story() -> list[str]:
        gate, done = Turnstile(), list[str]()
        async with gate:
            tasks = await queue(gate, ["a", "b", "C", "d", "E"], done)
            assert done == []
        await asyncio.gather(*tasks)
        return done

    assert async_to_sync(story)() == ["C", "E", "a", "b", "d"]


def test_only_one_is_inside_at_a_time() -> None:
    async def story() -> int:
        gate, inside, most = Turnstile(), 0, 0

        async def stay() -> None:
            nonlocal inside, most
            async with gate:
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(stay() for _ in range(20)))
        return most

    assert async_to_sync(story)() == 1


def test_who_breaks_inside_lets_the_next_in() -> None:
    async def story() -> list[str]:
        gate, done, tasks = Turnstile(), list[str](), list[asyncio.Task[None]]()

        async def break_inside() -> None:
            async with gate:
                tasks.extend(await queue(gate, ["a"], done))
                raise RuntimeError("a mistake")

        with pytest.raises(RuntimeError, match="a mistake"):
            await break_inside()
        await asyncio.gather(*tasks)
        return done

    assert async_to_sync(story)() == ["a"]


@pytest.mark.parametrize("late", [False, True], ids=["while it waits", "as its turn comes"])
def test_who_leaves_the_queue_keeps_nobody_waiting(late: bool) -> None:
    async def story() -> list[str]:
        gate, done = Turnstile(), list[str]()
        async with gate:
            tasks = await queue(gate, ["a", "b", "c"], done)
            if not late:
                tasks[0].cancel()
        if late:
            # The gate has called it, and it has not come through yet.
            tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with gate:
            done.append("free again")
        return done

    assert async_to_sync(story)() == ["b", "c", "free again"]


async def urgently(function: Callable[[], int]) -> int:
    """Run it as an urgent step."""
    before = urgent.set(True)
    try:
        return await in_db(function)
    finally:
        urgent.reset(before)


@pytest.mark.django_db(transaction=True)
def test_urgent_steps_go_by_a_connection_of_their_own_while_it_lasts() -> None:
    async def sessions() -> dict[str, int]:
        seen = {"common": await in_db(_session), "first": await in_db_first(_session)}
        async with express():
            seen["urgent"] = await urgently(_session)
            seen["first beside it"] = await in_db_first(_session)
            seen["urgent again"] = await urgently(_session)
            await close_connections()
            seen["urgent, anew"] = await urgently(_session)
            seen["common, anew"] = await in_db_first(_session)
        seen["after it"] = await in_db(_session)
        return seen

    seen = async_to_sync(sessions)()

    assert seen["common"] == seen["first"] == seen["first beside it"] != seen["urgent"]
    assert seen["urgent"] == seen["urgent again"]
    assert seen["common, anew"] != seen["urgent, anew"]
    assert seen["after it"] == seen["common, anew"]


@pytest.mark.django_db(transaction=True)
def test_urgent_steps_wait_for_no_other_step() -> None:
    begun, over = threading.Event(), threading.Event()

    def take_long() -> None:
        begun.set()
        assert over.wait(10)

    async def story() -> None:
        async with express():
            long = asyncio.create_task(in_db(take_long))
            await asyncio.to_thread(begun.wait, 10)
            await urgently(_session)
            assert not long.done()
            over.set()
            await long

    async_to_sync(story)()


def _session() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])
