"""Statements that are planned once, and connections that are kept and looked at."""

import gc
import threading
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from config import database, statements
from config.postgres import base
from config.postgres.base import DatabaseWrapper
from tests.cast import Customer

ADD = "SELECT %(one)s::int + %(other)s::int"
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1%%'"


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
