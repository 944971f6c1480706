"""What django-q2 runs. A task is only a wake-up: losing or repeating one changes nothing."""

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection

from generations import lifecycle, wavespeed
from generations.driver import Driver
from generations.models import Generation
from generations.outbound import Fetcher

# Any constant: it names our advisory lock among those of the database.
SEAT = 0x6A11_0B


def drive() -> str:
    """Drive jobs until none is unfinished or the shift ends, unless somebody else does.

    The seat is an advisory lock of this session: PostgreSQL frees it when the process dies.
    """
    if not _take_seat():
        return "another driver is at work"
    try:
        # Its database work comes back to this thread, and so to the connection of the seat.
        async_to_sync(_shift)(settings.DRIVER_SHIFT_SECONDS)
    finally:
        _leave_seat()
    # Asked only now: whoever came while we sat saw the seat taken and went away.
    if Generation.objects.unfinished().exists():
        lifecycle.wake_driver()
        return "the next shift goes on"
    return "nothing left to do"


async def _shift(seconds: float) -> None:
    async with wavespeed.Client() as upstream, Fetcher() as fetcher:
        await Driver(upstream, fetcher).work(seconds)


def _take_seat() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [SEAT])
        return bool(cursor.fetchone()[0])


def _leave_seat() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [SEAT])
