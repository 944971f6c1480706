"""A pytest plugin for the mutation run: every process tests in its own copy of one database.

Copying a migrated database takes a tenth of the time of migrating one, two mutants never meet,
and what a mutant left behind when its time was up is nobody else's. DATABASE_TEMPLATE names the
database to copy; nobody may be connected to it.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from psycopg import sql
from pytest_django import DjangoDbBlocker

from config.embedded.base import DatabaseWrapper

# Beside the tests, where mutmut notes how long each of them took.
DURATIONS = Path("mutmut-stats.json")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the quickest tests; with WITHOUT_SANDBOX leave out those that play Stripe."""
    known = json.loads(DURATIONS.read_text())["duration_by_test"] if DURATIONS.exists() else {}
    items.sort(key=lambda item: (_plays_stripe(item), known.get(item.nodeid, 0.0)))
    if os.environ.get("WITHOUT_SANDBOX"):
        quick = [item for item in items if not _plays_stripe(item)]
        config.hook.pytest_deselected(items=items[len(quick) :])
        items[:] = quick


def _plays_stripe(item: pytest.Item) -> bool:
    return "sandbox" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Stand in for pytest-django's own: the copy is already migrated."""
    del django_test_environment
    template, copy = os.environ["DATABASE_TEMPLATE"], f"mutant_{os.getpid()}"
    connection = connections["default"]
    assert isinstance(connection, DatabaseWrapper), "the run brings its own embedded server"
    with django_db_blocker.unblock():
        where = connection.get_connection_params()
    host, user = where["host"], where["user"]
    with psycopg.connect(host=host, user=user, dbname="postgres", autocommit=True) as server:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        server.execute(create.format(sql.Identifier(copy), sql.Identifier(template)))
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = copy
        yield
        with django_db_blocker.unblock():
            connection.close()
            connection.close_pool()
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(copy)))
