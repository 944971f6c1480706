"""Looks at PostgreSQL while the run goes on: connections, and the jobs that a dead worker left."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from tests.scale import leases
from tests.scale.leases import Estate
from tests.scale.site import WEBS, WORKERS

# A lease has at least a third left when it is renewed: far more than lies between two looks.
LOOK_SECONDS = 0.25
STOP_SECONDS_MAX = 20
KIB = 1024
GROWING = """
SELECT xact_commit, pg_current_wal_lsn() - '0/0', pg_database_size(datname)
FROM pg_stat_database WHERE datname = current_database()
"""
CONNECTIONS = """
SELECT application_name, count(*) FROM pg_stat_activity
WHERE application_name = ANY(%s) GROUP BY 1
"""


@dataclass
class Watcher:
    """What was seen so far: the most connections of each part, and the estate once there is one."""

    most: dict[str, int] = field(default_factory=Counter)
    estate: Estate | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def work(self, url: str) -> None:
        """Look until it is over."""
        with psycopg.connect(url, autocommit=True) as database:
            while not self.over.wait(LOOK_SECONDS):
                for name, count in database.execute(CONNECTIONS, [[*WEBS, *WORKERS]]):
                    self.most[name] = max(self.most.get(name, 0), count)
                if self.estate and self.estate.waiting:
                    leases.watch(database, self.estate)


@contextmanager
def watching(url: str) -> Iterator[Watcher]:
    """Watch until the block ends."""
    watcher = Watcher()
    thread = threading.Thread(target=watcher.work, args=[url], daemon=True)
    thread.start()
    try:
        yield watcher
    finally:
        watcher.over.set()
        thread.join(STOP_SECONDS_MAX)


def growing(url: str) -> dict[str, float]:
    """Return what only grows: transactions, KiB of log, KiB of tables and indexes."""
    with psycopg.connect(url) as database:
        row = database.execute(GROWING).fetchone()
    assert row is not None, "each database has its row"
    committed, logged, size = row
    return {
        "transactions": float(committed),
        "KiB of log": float(logged) / KIB,
        "KiB of tables": float(size) / KIB,
    }
