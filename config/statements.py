"""Statements that are run thousands of times: PostgreSQL plans each once for a connection.

And psycopg learns once what it answers with: a cursor that is given the very same string again
keeps what it knows.
"""

import threading
from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection
from psycopg.types.datetime import TimestamptzLoader

# Above this many uses a statement would be prepared unasked; those of Django's ORM never are.
NEVER = 2**31 - 1
# Far more than we have: a text that differs each time would fill the memory.
STATEMENTS_MAX = 50

Line = psycopg.Connection[Any]


class _Kept(threading.local):
    """This thread's connection, and its cursors by their statements."""

    line: Line | None = None
    cursors: dict[str, psycopg.Cursor[Any]] = {}


_kept = _Kept()


def rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run it with these values and return all rows. Raises django.db.DatabaseError."""
    if connection.queries_logged:
        # Somebody reads along: then it goes the way of all others.
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        kept = _cursor(connection.connection, statement)
        kept.execute(statement, values, prepare=True)
        return kept.fetchall()


def rows_under(lock: str, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Do as `rows` once a lock is held; the statement sees what is true after that.

    Both are sent together: one round trip, and one transaction if there is none yet. `lock` is
    a statement without values. Raises django.db.DatabaseError.
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        kept = _cursor(connection.connection, statement)
        with connection.connection.pipeline():
            connection.connection.execute(lock)
            kept.execute(statement, values, prepare=True)
        return kept.fetchall()


def _cursor(line: Line, statement: str) -> psycopg.Cursor[Any]:
    if _kept.line is not line:
        _kept.line, _kept.cursors = line, {}
        line.prepare_threshold = NEVER
    if statement not in _kept.cursors:
        assert len(_kept.cursors) < STATEMENTS_MAX, "values belong beside a statement, not into it"
        cursor = psycopg.Cursor(line)
        # Compiled, where Django's own reads moments in Python; both tell them in UTC.
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        _kept.cursors[statement] = cursor
    return _kept.cursors[statement]
