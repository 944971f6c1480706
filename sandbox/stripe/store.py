"""Where the stand-in keeps its state: one SQLite file, so that a restart forgets nothing.

Objects are stored as the JSON that the API answers with. What must never be answered (a card's
behaviour, the session behind a payment) lies beside it in `private`.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

BUSY_SECONDS = 30.0

TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    body TEXT NOT NULL,
    private TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY,
    event TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('held', 'waiting', 'delivered', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    status INTEGER,
    error TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (state, due);
CREATE TABLE IF NOT EXISTS timers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    due REAL NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    version TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS timers_by_due ON timers (due);
CREATE TABLE IF NOT EXISTS switches (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

# Every filter is a list of allowed values; an object that lacks the field matches none of them.
PAGE = """
SELECT body FROM objects
WHERE kind = :kind
  AND created BETWEEN :first AND :last
  AND json_extract(body, '$.deleted') IS NULL
  AND CASE WHEN :newer THEN seq > :edge ELSE seq < :edge END
  AND NOT EXISTS (
    SELECT 1 FROM json_each(:wanted) AS wanted
    WHERE coalesce(json_extract(objects.body, '$.' || wanted.key), '')
          NOT IN (SELECT value FROM json_each(wanted.value)))
ORDER BY CASE WHEN :newer THEN seq ELSE -seq END
LIMIT :limit
"""

FAR = 2**62


@dataclass(frozen=True)
class Page:
    """A window over the objects of one kind. `edge` is the sequence number it starts beside."""

    kind: str
    wanted: Mapping[str, list[str]]
    limit: int
    first: int = 0
    last: int = FAR
    edge: int = FAR
    newer: bool = False


class Records:
    """The state inside one transaction. Everything handed out is a copy."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def insert(self, body: Json, **private: Any) -> Json:
        self.connection.execute(
            "INSERT INTO objects (id, kind, created, body, private) VALUES (?, ?, ?, ?, ?)",
            (body["id"], body["object"], body["created"], json.dumps(body), json.dumps(private)),
        )
        copy: Json = json.loads(json.dumps(body))
        return copy

    def save(self, body: Json) -> Json:
        self.connection.execute(
            "UPDATE objects SET body = ? WHERE id = ?", (json.dumps(body), body["id"])
        )
        return body

    def find(self, identity: str, kind: str = "") -> Json | None:
        """The object with this id, of this kind when one is named, or None."""
        row = self.connection.execute(
            "SELECT body FROM objects WHERE id = ? AND ? IN ('', kind)", (identity, kind)
        ).fetchone()
        return _loaded(row)

    def private(self, identity: str) -> Json:
        row = self.connection.execute("SELECT private FROM objects WHERE id = ?", (identity,))
        return _loaded(row.fetchone()) or {}

    def keep(self, identity: str, **private: Any) -> None:
        """Merges into what is kept beside the object."""
        merged = json.dumps(self.private(identity) | private)
        self.connection.execute("UPDATE objects SET private = ? WHERE id = ?", (merged, identity))

    def sequence(self, identity: str, kind: str) -> int | None:
        row = self.connection.execute(
            "SELECT seq FROM objects WHERE id = ? AND kind = ?", (identity, kind)
        ).fetchone()
        return None if row is None else int(row[0])

    def page(self, page: Page) -> list[Json]:
        """Objects in the order they are met when walking away from the edge."""
        rows = self.connection.execute(PAGE, vars(page) | {"wanted": json.dumps(page.wanted)})
        return [json.loads(row[0]) for row in rows]

    def all(self, kind: str, limit: int = 100, **wanted: str) -> list[Json]:
        """The newest objects of a kind whose fields have exactly these values."""
        return self.page(Page(kind, {name: [value] for name, value in wanted.items()}, limit))

    def schedule(self, due: float, action: str, identity: str, version: str) -> None:
        self.connection.execute(
            "INSERT INTO timers (due, action, object, version) VALUES (?, ?, ?, ?)",
            (due, action, identity, version),
        )

    def cancel(self, identity: str) -> None:
        """Forgets every timer of the object."""
        self.connection.execute("DELETE FROM timers WHERE object = ?", (identity,))

    def switch(self, name: str) -> Any:
        row = self.connection.execute("SELECT value FROM switches WHERE name = ?", (name,))
        found = row.fetchone()
        return None if found is None else json.loads(found[0])

    def turn(self, name: str, value: Any) -> None:
        self.connection.execute(
            "INSERT OR REPLACE INTO switches (name, value) VALUES (?, ?)", (name, json.dumps(value))
        )


class Database:
    """The file. Each transaction opens its own connection, so any thread may begin one."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "stripe.sqlite3"
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(TABLES)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        # A killed process loses nothing this way; only a power cut could, and no money is real.
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    @contextmanager
    def transaction(self) -> Iterator[Records]:
        """One writer at a time. Leaving by an exception takes everything back."""
        with closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Records(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _loaded(row: Any) -> Json | None:
    if row is None:
        return None
    body: Json = json.loads(row[0])
    return body
