"""The word that wakes a driver, and the ear that hears it.

A word is only a hint: the rows say what is due, so losing or repeating one changes nothing but
the moment at which a driver looks.
"""

import asyncio
import contextlib
import logging
import time
from functools import partial
from typing import Any, Self

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django_q.tasks import async_task

logger = logging.getLogger(__name__)

CHANNEL = "gallop_jobs"
DRIVE = "generations.tasks.drive"
# Any constants: they name the drivers' seats among the advisory locks of the database.
SEATS = 0x6A11_0B
WATCH = 0x6A11_0C
# Of many words at one moment one is said; who hears it looks again after as long, and after twice
# as long each time, for what is committed later than the one word that spoke for it.
ECHO_SECONDS = 0.03
ECHO_SECONDS_MAX = 1.0
SEATED_SECONDS = 2.0
DEAF_SECONDS = 1.0
DJANGOS_OWN = {"cursor_factory", "context", "pool"}


class _Memory:
    """What this process said and saw last, in seconds of the monotonic clock."""

    said = 0.0
    seated = 0.0


def wake_driver() -> None:
    """Say that there may be something to do. Call it inside the transaction that makes it so.

    PostgreSQL delivers the word with the commit. Where no driver listens, a task seats one.
    """
    say()
    now = time.monotonic()
    if now - _Memory.seated > SEATED_SECONDS:
        if seats_taken():
            _Memory.seated = now
        else:
            seat_driver()


def say() -> None:
    """Wake the drivers that listen. Call it inside the transaction that it is about."""
    if time.monotonic() - _Memory.said > ECHO_SECONDS:
        # Only then: a word that is rolled back is heard by nobody and speaks for nobody.
        transaction.on_commit(_note_said)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def seat_driver(hops: int = 0) -> None:
    """Queue the task that drives jobs; `hops` clusters have handed it on before."""
    if settings.REDIS_URL:
        # Redis knows nothing of our transaction: woken earlier, the driver would see no job.
        transaction.on_commit(partial(_enqueue, hops))
    else:
        _enqueue(hops)


def forget() -> None:
    """Forget what this process said and saw: the next word is said, the next seat looked for."""
    _Memory.said = _Memory.seated = 0.0


def seats_taken() -> int:
    """Return how many clusters' drivers are at work."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT objid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND classid = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [SEATS],
        )
        return int(cursor.fetchone()[0])


def take_watch() -> bool:
    """Take the one seat of the watch over running jobs; it is freed with this session's seats."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [WATCH])
        return bool(cursor.fetchone()[0])


def _note_said() -> None:
    _Memory.said = time.monotonic()


def _enqueue(hops: int) -> None:
    async_task(DRIVE, hops)  # type: ignore[no-untyped-call]  # django-q2 has no types


class Ear:
    """Hears the word on a connection of its own; use it as an async context manager.

    `words` counts what was heard.
    """

    def __init__(self) -> None:
        self.words = 0
        self._heard = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._echo: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._echo:
            self._echo.cancel()
        if self._listening:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    def ring(self) -> None:
        """Say a word of one's own."""
        self.words += 1
        self._heard.set()

    def nudge(self) -> None:
        """Wake the one who waits without a word."""
        self._heard.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for a word, at most so long; tell whether there was one."""
        try:
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        except TimeoutError:
            return False
        finally:
            self._heard.clear()
        return True

    def _hear(self, echo: float = ECHO_SECONDS) -> None:
        self.ring()
        if self._echo:
            self._echo.cancel()
        if echo <= ECHO_SECONDS_MAX:
            self._echo = asyncio.get_running_loop().call_later(echo, self._hear, 2 * echo)

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **_address(), autocommit=True
                ) as line:
                    line.add_notify_handler(lambda _: self._hear())
                    await line.execute(f"LISTEN {CHANNEL}")
                    # What was said while nobody listened.
                    self.ring()
                    while True:
                        # line.notifies() would look ten times a second.
                        await _readable(line.fileno())
                        await line.execute("SELECT 1")
            except psycopg.Error as error:
                # Deaf, the driver still looks at every tick.
                logger.warning("The database cannot be listened to: %s", error)
            await asyncio.sleep(DEAF_SECONDS)


async def _readable(socket: int) -> None:
    """Wait until there is something to read, or the other side is gone."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(socket, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(socket)


def _address() -> dict[str, Any]:
    """Return how to reach the database, without what belongs to Django's own connection."""
    given = connection.get_connection_params()
    return {name: value for name, value in given.items() if name not in DJANGOS_OWN}
