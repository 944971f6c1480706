"""Many callers at the same moment, each with a database connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

START_SECONDS_MAX = 30

T = TypeVar("T")


def together(works: Sequence[Callable[[], T]]) -> list[T | BaseException]:
    """Run all works at once, each in a thread; return what each gave back or raised, in order."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        start.wait(START_SECONDS_MAX)
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as threads:
        futures = [threads.submit(run, work) for work in works]
    return [future.exception() or future.result() for future in futures]
