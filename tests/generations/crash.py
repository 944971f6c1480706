"""Kills a process at a named point of a job's way, as kill -9 would, and proves that it got there.

The process is a fork of the one that tests, so it has the same database, files and upstream.
"""

import inspect
import os
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

from django.db import connection, connections

KILLED = 77
BROKEN = 3
REPORT_BYTES_MAX = 10_000


@dataclass(frozen=True)
class Point:
    """The line just before, or just after, a call of `owner.name`.

    `inside` says whether a transaction is open there. `only` chooses the call by its result,
    where the point lies after it.
    """

    moment: Literal["before", "after"]
    owner: Any
    name: str
    inside: bool = False
    only: Callable[[Any], bool] = lambda _: True

    @property
    def report(self) -> str:
        """What a process says that dies here."""
        return f"{self.moment} {self.name}, {'inside a' if self.inside else 'no'} transaction"


def kill_at(point: Point, work: Callable[[], object]) -> None:
    """Do the work in a process of its own until it dies at the point; fail when it does not."""
    # A socket must not be used from both sides of a fork.
    connections.close_all()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's own
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Other threads of this process hold nothing that the child needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _live(point, work, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read(REPORT_BYTES_MAX)
    _, status = os.waitpid(child, 0)
    assert (os.waitstatus_to_exitcode(status), said) == (KILLED, point.report), said


def _live(point: Point, work: Callable[[], object], pipe: int) -> None:
    """Work, and end this process whatever happens."""
    try:
        setattr(point.owner, point.name, _mined(point, pipe))
        work()
    except BaseException:  # noqa: BLE001  the child must end here, and its parent know why
        os.write(pipe, traceback.format_exc().encode()[-REPORT_BYTES_MAX:])
        os._exit(BROKEN)
    os.write(pipe, b"The work came to its end without passing the point.")
    os._exit(0)


def _mined(point: Point, pipe: int) -> Callable[..., Any]:
    """Return the point's function with the end of this process before or after it."""
    original = getattr(point.owner, point.name)

    def pass_by(moment: str, result: object = None) -> None:
        if moment == point.moment and (moment == "before" or point.only(result)):
            here = Point(point.moment, point.owner, point.name, connection.in_atomic_block)
            os.write(pipe, here.report.encode())
            # No finally, no rollback, no farewell to the database.
            os._exit(KILLED)

    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        pass_by("before")
        result = original(*args, **kwargs)
        pass_by("after", result)
        return result

    @wraps(original)
    async def call_async(*args: Any, **kwargs: Any) -> Any:
        pass_by("before")
        result = await original(*args, **kwargs)
        pass_by("after", result)
        return result

    return call_async if inspect.iscoroutinefunction(original) else call
