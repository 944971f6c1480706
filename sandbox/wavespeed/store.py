"""What outlives a restart of the stand-in: one SQLite file.

It survives the death of the process, not of the machine: a stand-in need not wait for disks.
"""

import json
import secrets
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.wavespeed.prediction import Delivery, Prediction

BALANCE_AT_START_MICROS = 1_000_000_000

_TABLES = """
pragma journal_mode = wal;
pragma synchronous = off;
create table if not exists prediction (
    number integer primary key autoincrement,
    id text not null unique,
    created_at real not null,
    status text not null,
    document text not null
);
create index if not exists prediction_created_at on prediction (created_at);
create index if not exists prediction_status on prediction (status);
create table if not exists bill (
    number integer primary key autoincrement,
    uuid text not null unique,
    prediction_id text not null,
    kind text not null check (kind in ('deduct', 'refund')),
    price_micros integer not null,
    created_at real not null,
    unique (prediction_id, kind)
);
create table if not exists upload (
    path text primary key, content_type text not null
);
create table if not exists refusal (
    submission text primary key, count integer not null
);
create table if not exists secret (
    name text primary key, value text not null
);
"""


@dataclass(frozen=True)
class Bill:
    """One movement of the balance; the price is positive for both kinds."""

    uuid: str
    prediction_id: str
    kind: str
    price_micros: int
    created_at: float


class Store:
    """The stand-in's memory. One event loop uses it; every call is one quick statement."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # Every statement commits by itself, and is a whole change by itself.
        self._database = sqlite3.connect(
            folder / "wavespeed.sqlite3", isolation_level=None, check_same_thread=False
        )
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Releases the file."""
        self._database.close()

    def secret(self, name: str) -> str:
        """A random secret of 32 hex digits, the same whenever it is asked for by that name."""
        self._database.execute(
            "insert or ignore into secret values (?, ?)", (name, secrets.token_hex(16))
        )
        # Whoever asked first has made it.
        found = self._database.execute("select value from secret where name = ?", (name,))
        return str(found.fetchone()[0])

    def save(self, prediction: Prediction) -> None:
        """Adds or replaces."""
        self._database.execute(
            "insert into prediction (id, created_at, status, document) values (?, ?, ?, ?)"
            " on conflict (id) do update set"
            " status = excluded.status, document = excluded.document",
            (
                prediction.id,
                prediction.created_at,
                prediction.status,
                json.dumps(asdict(prediction)),
            ),
        )

    def find(self, prediction_id: str) -> Prediction | None:
        """None for an unknown id."""
        rows = self._database.execute(
            "select document from prediction where id = ?", (prediction_id,)
        )
        row = rows.fetchone()
        return _revived(row[0]) if row else None

    def newest(self, since: float = 0.0) -> list[Prediction]:
        """Every prediction created since then, newest first."""
        rows = self._database.execute(
            "select document from prediction where created_at >= ? order by number desc", (since,)
        )
        return [_revived(row[0]) for row in rows]

    def count(self, since: float) -> int:
        """How many were created later than that moment."""
        rows = self._database.execute(
            "select count(*) from prediction where created_at > ?", (since,)
        )
        return int(rows.fetchone()[0])

    def count_running(self) -> int:
        """How many are not over."""
        rows = self._database.execute("select count(*) from prediction where status = ''")
        return int(rows.fetchone()[0])

    def bill(self, prediction: Prediction, kind: str, now: float) -> None:
        """Deducts or refunds the price, each at most once per prediction."""
        # The table allows one of each kind, so a refund repeated after a crash is harmless.
        self._database.execute(
            "insert or ignore into bill (uuid, prediction_id, kind, price_micros, created_at)"
            " values (?, ?, ?, ?, ?)",
            (secrets.token_hex(16), prediction.id, kind, prediction.price_micros, now),
        )

    def bills(self) -> list[Bill]:
        """Every movement, newest first."""
        rows = self._database.execute(
            "select uuid, prediction_id, kind, price_micros, created_at from bill"
            " order by number desc"
        )
        return [Bill(*row) for row in rows]

    def balance_micros(self) -> int:
        """What is left to spend."""
        rows = self._database.execute(
            "select coalesce(sum(iif(kind = 'refund', price_micros, -price_micros)), 0) from bill"
        )
        return BALANCE_AT_START_MICROS + int(rows.fetchone()[0])

    def keep_upload(self, path: str, content_type: str) -> None:
        """Remembers that the file has arrived, and as what it is to be served."""
        self._database.execute("insert or replace into upload values (?, ?)", (path, content_type))

    def upload_type(self, path: str) -> str | None:
        """The content type of an upload that has arrived, else None."""
        rows = self._database.execute("select content_type from upload where path = ?", (path,))
        row = rows.fetchone()
        return str(row[0]) if row else None

    def refuse(self, submission: str, times: int) -> bool:
        """Whether that submission is still to be turned away; counts this time."""
        # One statement counts and reads, so two at once are never both the last.
        rows = self._database.execute(
            "insert into refusal values (?, 1)"
            " on conflict (submission) do update set count = count + 1 returning count",
            (submission,),
        )
        return int(rows.fetchone()[0]) <= times


def _revived(document: str) -> Prediction:
    facts = json.loads(document)
    facts["deliveries"] = [Delivery(**delivery) for delivery in facts["deliveries"]]
    return Prediction(**facts)
