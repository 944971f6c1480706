"""Statements that are planned once, and connections that are kept and looked at."""

import gc
import threading
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import (
    DatabaseError,
    DataError,
    OperationalError,
    ProgrammingError,
    close_old_connections,
    connection,
    transaction,
)
from django.test import Client

from accounts.models import Account
from config import database, statements
from config.postgres import base
from config.postgres.base import DatabaseWrapper
from tests.cast import Customer

ADD = "SELECT %(one)s::int + %(other)s::int"
BACKEND = "SELECT pg_backend_pid()"
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1%%'"


def backend_pid() -> int:
    pid: int = statements.rows(BACKEND, {})[0][0]
    return pid


@pytest.mark.django_db(transaction=True)
def test_a_statement_is_planned_once_for_a_connection() -> None:
    connection.close()
    sums = [statements.rows(ADD, {"one": n, "other": 1}) for n in range(5)]

    assert sums == [[(n + 1,)] for n in range(5)]
    assert statements.rows(PREPARED, {}) == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_plans_it_again() -> None:
    assert statements.rows(ADD, {"one": 1, "other": 1}) == [(2,)]
    connection.close()
    assert statements.rows(ADD, {"one": 1, "other": 2}) == [(3,)]


@pytest.mark.django_db
def test_an_error_is_one_of_djangos_and_the_connection_goes_on() -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        statements.rows("SELECT 1 / %(by)s::int", {"by": 0})
    assert statements.rows("SELECT 1 / %(by)s::int", {"by": 1}) == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_failed_is_tried_again_on_the_same_connection() -> None:
    backend = backend_pid()
    for _ in range(2):
        with pytest.raises(DataError, match="division by zero"):
            statements.rows("SELECT 1 / %(by)s::int", {"by": 0})
    with pytest.raises(ProgrammingError, match="nowhere"):
        statements.rows("SELECT * FROM nowhere", {})
    assert statements.rows("SELECT 1 / %(by)s::int", {"by": 1}) == [(1,)]
    assert backend_pid() == backend


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_the_server_has_forgotten_is_prepared_anew() -> None:
    assert statements.rows(ADD, {"one": 1, "other": 1}) == [(2,)]
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert statements.rows(ADD, {"one": 1, "other": 2}) == [(3,)]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_undone_takes_what_a_statement_wrote_along(alice: Customer) -> None:
    rename = "UPDATE accounts_account SET name = %(name)s WHERE id = %(id)s RETURNING name"
    assert statements.rows(rename, {"name": "Kept", "id": alice.account.pk}) == [("Kept",)]
    with transaction.atomic():
        assert statements.rows(rename, {"name": "Undone", "id": alice.account.pk})
        transaction.set_rollback(True)
    alice.account.refresh_from_db()
    assert alice.account.name == "Kept"
    assert statements.rows(rename, {"name": "Again", "id": alice.account.pk}) == [("Again",)]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_breaks_is_told_of_and_the_next_one_serves() -> None:
    with pytest.raises(OperationalError):
        statements.rows("SELECT pg_terminate_backend(pg_backend_pid())", {})
    close_old_connections()
    assert statements.rows(ADD, {"one": 1, "other": 1}) == [(2,)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bigint", 2**40),
        ("bigint", -1),
        ("bigint", None),
        ("boolean", True),
        ("text", "50 % 'quoted' \\ ü"),
        ("text[]", ["a", "b, c", '"']),
        ("uuid", uuid.UUID(int=7)),
        ("numeric", Decimal("0.189")),
        ("timestamptz", datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)),
        ("date", date(2026, 2, 3)),
    ],
)
def test_values_go_there_and_back_in_a_transaction_and_outside(kind: str, value: object) -> None:
    statement = f"SELECT %(value)s::{kind}, '100 %%', %(value)s::{kind} IS NULL"
    rows = [(value, "100 %", value is None)]
    assert statements.rows(statement, {"value": value}) == rows
    with transaction.atomic():
        assert statements.rows(statement, {"value": value}) == rows


@pytest.mark.django_db
def test_a_loaded_row_is_what_the_database_would_give(alice: Customer) -> None:
    names = ("id", "name", "mode")
    values = Account.objects.values_list(*names).get(pk=alice.account.pk)
    account = statements.loaded(Account, names, values)

    assert account == alice.account
    assert account.get_deferred_fields() >= {"created_at", "paid_micros"}
    assert account.created_at == alice.account.created_at
    account.name = "Renamed"
    account.save(update_fields=["name"])
    assert Account.objects.get(pk=account.pk).name == "Renamed"
    with pytest.raises(ValueError, match="argument"):
        statements.loaded(Account, names, values[:2])


@pytest.mark.django_db(transaction=True)
def test_a_kept_connection_that_the_server_has_closed_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "TRUST_SECONDS", 60)
    kept = connection.copy()
    kept.settings_dict["OPTIONS"].pop("pool", None)
    assert isinstance(kept, DatabaseWrapper)
    try:
        kept.ensure_connection()
        assert kept.is_usable()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(%s, 5000)", [kept.connection.info.backend_pid]
            )
        assert kept.is_usable(), "it was there a moment ago"
        monkeypatch.setattr(base, "TRUST_SECONDS", 0)
        assert not kept.is_usable()
    finally:
        kept.close()
    assert not kept.is_usable()


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_ends_takes_its_connection_along() -> None:
    lines: list[psycopg.Connection[Any]] = []

    def ask() -> None:
        kept = connection.copy()
        kept.settings_dict["OPTIONS"].pop("pool", None)
        # As Django's own do, it hangs in a circle: counting references does not free it.
        circle: list[object] = [kept]
        circle.append(circle)
        kept.inc_thread_sharing()
        kept.ensure_connection()
        lines.append(kept.connection)

    gc.disable()
    try:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        assert lines[0].closed
    finally:
        gc.enable()


def test_a_web_server_keeps_its_connections() -> None:
    ours = {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {"sslmode": "require", "pool": {"max_size": 16}},
        "CONN_HEALTH_CHECKS": True,
    }
    database.keep(ours)
    assert ours == {
        "ENGINE": "config.postgres",
        "OPTIONS": {"sslmode": "require"},
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": None,
    }


def test_a_program_passes_the_middlewares_of_pages_without_a_stop(alice: Customer) -> None:
    page, answer = Client().get("/"), alice.get("/api/v3/balance")

    assert "Content-Language" in page.headers
    assert "Content-Language" not in answer.headers
    for both in (page, answer):
        assert both.headers["X-Content-Type-Options"] == "nosniff"
        assert both.headers["X-Request-Id"]
