"""What django-q2 runs. Losing or repeating a task changes nothing: the rows say what is due."""

import contextlib
import math
import multiprocessing
import os
import socket
import zlib

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection
from django_q.status import Stat

from accounts.webhook_sender import Sender
from config.outbound import Fetcher
from config.turnstile import express, in_db
from generations import idempotency, wakeups, wavespeed
from generations.driver import DatabaseGone, Driver

# A task may come to a cluster that has its driver while another cluster has none.
HOPS_MAX = 20
# How long a cluster that was told to stop waits for steps in the middle.
GRACE_SECONDS = 5.0


class Flag:
    """A flag that all processes of a cluster see.

    It has no lock, as multiprocessing's Event has: a process that was killed would keep it.
    """

    def __init__(self) -> None:
        self._up = multiprocessing.get_context("fork").RawValue("b", 0)

    def set(self) -> None:
        """Raise it."""
        self._up.value = 1

    def clear(self) -> None:
        """Lower it."""
        self._up.value = 0

    def is_set(self) -> bool:
        """Tell whether it is raised."""
        return bool(self._up.value)


# Set in a cluster's first process when it is told to stop; its workers see it.
leaving = Flag()


def drive(hops: int = 0) -> str:
    """Drive jobs for one shift and hand on to the next, unless this cluster has a driver.

    The seat is an advisory lock of this session: PostgreSQL frees it when the process dies.
    """
    if not _take_seat():
        if hops < HOPS_MAX and wakeups.seats_taken() < len(Stat.get_all()):
            wakeups.seat_driver(hops + 1)
            return "handed on to a cluster without a driver"
        return "this cluster has a driver"
    try:
        # Its database work comes back to this thread, and so to the connection of the seat.
        async_to_sync(_shift)(settings.DRIVER_SHIFT_SECONDS)
    finally:
        _leave_seat()
    return "the next shift goes on"


async def _shift(seconds: float) -> None:
    # Customers' receivers may be slow: films have a way of their own.
    async with wavespeed.Client() as upstream, Fetcher() as films, Fetcher() as messages, express():
        driver = Driver(upstream, films, Sender(messages))
        await driver.work(seconds, leaving.is_set, _take_seat)
        # Before the last steps are done: they may take minutes, and new jobs must not wait.
        await in_db(_hand_on)
        await driver.finish(GRACE_SECONDS if leaving.is_set() else math.inf)


def _hand_on() -> None:
    # In this order: a successor that finds the seat taken goes away.
    _leave_seat()
    wakeups.seat_driver()


def seat() -> tuple[int, int]:
    """Return the advisory lock that is the driver's seat of this process's cluster."""
    # A cluster's workers are children of one process; the lock's second half is an int4.
    cluster = f"{socket.gethostname()}:{os.getppid()}"
    return wakeups.SEATS, zlib.crc32(cluster.encode()) >> 1


def _take_seat() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", seat())
        return bool(cursor.fetchone()[0])


def _leave_seat() -> None:
    # Where the database went away, so did the seat.
    with contextlib.suppress(*DatabaseGone), connection.cursor() as cursor:
        # The watch's seat with it.
        cursor.execute("SELECT pg_advisory_unlock_all()")


def forget_answers() -> str:
    """Remove idempotency keys of more than a day ago."""
    return f"{idempotency.forget()} keys forgotten"
