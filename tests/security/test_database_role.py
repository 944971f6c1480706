"""The site's own role in the database can make films, and cannot touch the books or the schema."""

import re
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, transaction

from config.settings import BASE_DIR
from generations import failures, lifecycle
from tests.cast import Customer
from tests.generations import stage

ROLE = "gallop_site_of_the_tests"
# What the file grants on tables to come is granted here on those that there are.
FUTURE = r"ALTER DEFAULT PRIVILEGES .*\s+GRANT (.*) ON (\w+) TO gallop_site"
GRANTS = (BASE_DIR / "deploy" / "database.sql").read_text()


@pytest.fixture
def as_site(alice: Customer) -> Iterator[Customer]:
    """Alice, served by the role that deploy/database.sql makes; gone with the transaction."""
    rights = [
        re.sub(FUTURE, r"GRANT \1 ON ALL \2 IN SCHEMA public TO gallop_site", one.strip())
        for one in GRANTS.split(";")
        if "TO gallop_site" in one
    ]
    assert len(rights) == 4
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE}")
        for right in rights:
            cursor.execute(right.replace("gallop_site", ROLE))
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
    yield alice
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


@pytest.mark.django_db
def test_the_sites_role_makes_films_and_cannot_touch_the_books_or_the_schema(
    as_site: Customer,
) -> None:
    job = stage.processing(as_site)
    assert lifecycle.fail(job, failures.NO_PLACE)
    assert as_site.get("/api/v3/balance").status_code == 200
    for statement in (
        "UPDATE billing_transfer SET amount_micros = 1",
        "DELETE FROM billing_transfer",
        "TRUNCATE billing_transfer",
        "ALTER TABLE billing_transfer DISABLE TRIGGER ALL",
        "ALTER TABLE billing_ledgeraccount DROP CONSTRAINT ledger_account_available_not_negative",
        "DROP TABLE generations_turn",
        "CREATE TABLE public.mine (id int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "COPY billing_transfer TO PROGRAM 'cat'",
        "SET session_replication_role = replica",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
