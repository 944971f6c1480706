"""The way into the database: one at a time, urgent ones first, and nobody is forgotten."""

import asyncio

import pytest
from asgiref.sync import async_to_sync

from config.turnstile import Turnstile, urgent


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
