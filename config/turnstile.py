"""The way of a driver's steps into the database: one at a time, in one thread, urgent ones apart.

A hundred films that end at one moment are a second's work for the database; a job that somebody
has just asked for need not wait behind them, nor behind one of them that has begun.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")

# Set in the task of a step that people wait for.
urgent: ContextVar[bool] = ContextVar("urgent", default=False)


class Turnstile:
    """Lets one through at a time; use it as an async context manager."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    async def __aenter__(self) -> None:
        if not self._taken:
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent.get(), next(self._numbers), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # Its turn came in the same moment: the next one must not wait for ever.
                self._pass_on()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False


_turnstiles: WeakKeyDictionary[asyncio.AbstractEventLoop, Turnstile] = WeakKeyDictionary()
_express: WeakKeyDictionary[asyncio.AbstractEventLoop, ThreadPoolExecutor] = WeakKeyDictionary()


@asynccontextmanager
async def express() -> AsyncIterator[None]:
    """While this lasts, urgent steps have a thread, and so a connection, of their own."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "urgent") as thread:
        _express[loop] = thread
        try:
            yield
        finally:
            await loop.run_in_executor(thread, connections.close_all)
            del _express[loop]


async def in_db(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the database in the one thread that may, or in the urgent one."""
    loop = asyncio.get_running_loop()
    if urgent.get() and (thread := _express.get(loop)):
        step = partial(function, *args, **kwargs)
        return await loop.run_in_executor(thread, copy_context().run, step)
    return await _in_line(function, *args, **kwargs)


async def in_db_first(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it before all that wait for the one thread: see in_db.

    For the loop that begins the steps: it must not wait behind a hundred of them that end.
    """
    before = urgent.set(True)
    try:
        return await _in_line(function, *args, **kwargs)
    finally:
        urgent.reset(before)


async def close_connections() -> None:
    """Have both threads connect anew; each closes what is its own."""
    loop = asyncio.get_running_loop()
    await _in_line(connections.close_all)
    if thread := _express.get(loop):
        await loop.run_in_executor(thread, connections.close_all)


async def _in_line(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    run: Callable[P, Coroutine[Any, Any, T]] = sync_to_async(function)
    async with _turnstiles.setdefault(asyncio.get_running_loop(), Turnstile()):
        return await run(*args, **kwargs)
