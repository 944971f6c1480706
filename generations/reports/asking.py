"""How the reports ask the database: one moment for all questions of a page."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def one_moment() -> Iterator[None]:
    """Let every question inside see the same rows, while work goes on."""
    with transaction.atomic():
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with connection.cursor() as cursor:
            # Sums over many rows are made in memory, for this page alone.
            cursor.execute("SET LOCAL work_mem = '64MB'")
        yield


def rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run it with these values and return all rows. Planned anew for each time that is asked of."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
