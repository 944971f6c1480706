"""A kept connection is looked at before it is used again, without a round trip of its own.

And it is closed with the thread that kept it: web servers let idle threads go, and what hangs
together in a circle would stay open until the collector comes.
"""

import select
import threading
import time
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

# Seen to be there so recently, a connection is not looked at again. Each look lets another thread
# go first, so that a busy server of many threads would do little else.
TRUST_SECONDS = 0.05


class _Last:
    """Closes a connection when nobody keeps this any more."""

    def __init__(self, line: psycopg.Connection[Any]) -> None:
        self._line = line

    def __del__(self) -> None:
        self._line.close()


class _Kept(threading.local):
    """The connections of one thread: they end with it."""

    def __init__(self) -> None:
        self.lines: WeakKeyDictionary[DatabaseWrapper, _Last] = WeakKeyDictionary()


_kept = _Kept()


class DatabaseWrapper(base.DatabaseWrapper):
    """As django.db.backends.postgresql."""

    # By the monotonic clock.
    _seen_at = float("-inf")

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """Connect until this thread ends, at the latest; a pool's connections outlive it."""
        line: psycopg.Connection[Any] = super().get_new_connection(conn_params)
        if not self.pool:
            _kept.lines[self] = _Last(line)
        return line

    def is_usable(self) -> bool:
        """Tell whether the connection is still there, and not in a transaction that is spoilt.

        A server that goes away says so or hangs up: then there is something to read, and on an
        idle connection there is never anything else.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.connection.pgconn.transaction_status == TransactionStatus.INERROR:
            return False
        now = time.monotonic()
        if now - self._seen_at < TRUST_SECONDS:
            return True
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        usable = not poll.poll(0)
        self._seen_at = now if usable else float("-inf")
        return usable
