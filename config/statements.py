"""Statements that are run thousands of times: PostgreSQL plans each once for a connection.

Outside of a transaction libpq itself sends them and waits for the answer: psycopg waits in Python,
which costs as much again and lets other threads in several times for each.
"""

import hashlib
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.base import ModelState
from psycopg import errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.types.datetime import TimestamptzLoader

# Above this many uses a statement would be prepared unasked; those of Django's ORM never are.
NEVER = 2**31 - 1
# Far more than we have: a text that differs each time would fill the memory.
STATEMENTS_MAX = 50
NAME_LENGTH = 32

Line = psycopg.Connection[Any]
Row = tuple[Any, ...]
Model = TypeVar("Model", bound=models.Model)

_PLACE = re.compile(r"%(?:\((\w+)\)s|%)")


class _Statement:
    """One statement, as one connection knows it."""

    def __init__(self, line: Line, statement: str) -> None:
        self.cursor = psycopg.Cursor(line)
        # Compiled, where Django's own reads moments in Python; both tell them in UTC.
        self.cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        self._server = line.pgconn
        self._places: list[str] = []
        self._text = _PLACE.sub(self._numbered, statement).encode()
        # The same each time, so that a connection of a pool never knows another one by it.
        self._name = hashlib.sha256(self._text).hexdigest()[:NAME_LENGTH].encode()
        # As text PostgreSQL takes each value for what its place asks for.
        self._formats = [PyFormat.TEXT] * len(self._places)
        self._types = Transformer(self.cursor)
        self._prepared = False

    def rows(self, values: Mapping[str, Any]) -> list[Row]:
        """Run it outside of a transaction and return all rows. Raises psycopg.Error."""
        sent = self._types.dump_sequence([values[name] for name in self._places], self._formats)
        if not self._prepared:
            self._prepare()
        try:
            result = self._run(sent)
        except errors.InvalidSqlStatementName:
            # With a transaction that is undone psycopg has all forgotten that was prepared.
            self._prepare()
            result = self._run(sent)
        self._types.set_pgresult(result)
        return self._types.load_rows(0, result.ntuples, tuple)

    def _prepare(self) -> None:
        # A pool's connection may know it since it was here before.
        with suppress(errors.DuplicatePreparedStatement):
            self._good(self._server.prepare(self._name, self._text))
        self._prepared = True

    def _run(self, sent: Sequence[Any]) -> PGresult:
        return self._good(self._server.exec_prepared(self._name, sent))

    def _good(self, result: PGresult) -> PGresult:
        if result.status in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
            return result
        if self._server.status != ConnStatus.OK:
            raise psycopg.OperationalError(result.get_error_message())
        raise errors.error_from_result(result)

    def _numbered(self, place: re.Match[str]) -> str:
        name = place[1]
        if name is None:
            return "%"
        if name not in self._places:
            self._places.append(name)
        return f"${self._places.index(name) + 1}"


class _Kept(threading.local):
    """This thread's connection, and what it knows."""

    line: Line | None = None
    statements: dict[str, _Statement] = {}


_kept = _Kept()


def rows(statement: str, values: Mapping[str, Any]) -> list[Row]:
    """Run it with these values and return all rows. Raises django.db.DatabaseError."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.queries_logged:
        # Somebody reads along: then it goes the way of all others.
        with database.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())
    database.close_if_health_check_failed()
    database.ensure_connection()
    with database.wrap_database_errors:
        kept = _statement(database.connection, statement)
        if database.autocommit:
            return kept.rows(values)
        # psycopg begins a transaction with the first statement that it sends itself.
        return kept.cursor.execute(statement, values, prepare=True).fetchall()


def rows_under(lock: str, statement: str, values: Mapping[str, Any]) -> list[Row]:
    """Do as `rows` once a lock is held; the statement sees what is true after that.

    Both are sent together: one round trip, and one transaction if there is none yet. `lock` is
    a statement without values. Raises django.db.DatabaseError.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.close_if_health_check_failed()
    database.ensure_connection()
    with database.wrap_database_errors:
        kept = _statement(database.connection, statement)
        with database.connection.pipeline():
            database.connection.execute(lock)
            kept.cursor.execute(statement, values, prepare=True)
        return kept.cursor.fetchall()


def loaded(model: type[Model], names: Iterable[str], values: Iterable[Any]) -> Model:
    """Return a row as an instance of its model, made as unpickling makes one: past all signals.

    `names` are fields by their attributes; those left out are asked for when they are read.
    """
    instance = model.__new__(model)
    instance._state = ModelState()  # noqa: SLF001  documented
    instance._state.adding = False  # noqa: SLF001  documented
    instance._state.db = DEFAULT_DB_ALIAS  # noqa: SLF001  documented
    instance.__dict__.update(zip(names, values, strict=True))
    return instance


def _statement(line: Line, statement: str) -> _Statement:
    if _kept.line is not line:
        _kept.line, _kept.statements = line, {}
        line.prepare_threshold = NEVER
    if statement not in _kept.statements:
        assert len(_kept.statements) < STATEMENTS_MAX, (
            "values belong beside a statement, not into it"
        )
        _kept.statements[statement] = _Statement(line, statement)
    return _kept.statements[statement]
