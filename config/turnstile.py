"""The way of a driver's steps into the database: one at a time, in one thread, urgent ones first.

A hundred films that end at one moment are a second's work for the database; a job that somebody
has just asked for need not wait behind them.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async

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


async def in_db(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the database in the one thread that may."""
    run: Callable[P, Coroutine[Any, Any, T]] = sync_to_async(function)
    async with _turnstiles.setdefault(asyncio.get_running_loop(), Turnstile()):
        return await run(*args, **kwargs)


async def in_db_first(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it before all steps that wait and are not urgent themselves: see in_db.

    For the loop that begins the steps: it must not wait behind a hundred of them that end.
    """
    before = urgent.set(True)
    try:
        return await in_db(function, *args, **kwargs)
    finally:
        urgent.reset(before)
