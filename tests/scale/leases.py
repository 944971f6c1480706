"""How long until the jobs of a dead worker are in other hands, seen from the leases in PostgreSQL.

A living driver renews its leases long before they end. So a job whose row stays as it was until
its lease has ended was the dead worker's, and the first change after that is the taking over.
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

LEASED = """
SELECT id, status, leased_by, lease_until FROM generations_generation
WHERE finished_at IS NULL AND lease_until > now()
"""
AGAIN = "SELECT id, status, leased_by, lease_until FROM generations_generation WHERE id = ANY(%s)"
IN_HAND_WANTED = 2
Row = tuple[Any, str, Any, datetime | None]


@dataclass
class Estate:
    """The jobs under lease at the moment of a death; figures are seconds since then."""

    died_at: float
    waiting: dict[Any, Row]
    taken_over: dict[Any, float] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)

    @classmethod
    def at_death(cls, rows: Iterable[Row], died_at: float) -> "Estate":
        """Note what was leased; `died_at` is in Unix seconds."""
        return cls(died_at, {row[0]: row for row in rows})

    def look(self, rows: Iterable[Row], now: float) -> None:
        """Compare with how the rows are now."""
        for row in rows:
            before = self.waiting[row[0]]
            if row == before:
                continue
            del self.waiting[row[0]]
            ended = before[3]
            assert ended is not None, "only leased rows are noted"
            if now >= ended.timestamp():
                self.taken_over[row[0]] = now - self.died_at
                self.statuses[before[1]] += 1


def leased(database: psycopg.Connection[Row]) -> list[Row]:
    """Return the jobs that somebody is at work on."""
    return database.execute(LEASED).fetchall()


def both_busy(rows: Iterable[Row]) -> bool:
    """Tell whether two drivers have jobs in hand, several each."""
    in_hand = Counter(row[2] for row in rows)
    return len(in_hand) > 1 and min(in_hand.values()) >= IN_HAND_WANTED


def watch(database: psycopg.Connection[Row], estate: Estate) -> None:
    """Look once."""
    rows = database.execute(AGAIN, [list(estate.waiting)]).fetchall()
    estate.look(rows, time.time())
