"""Migrations that old processes could not live with are refused before they are merged."""

import json

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from tests import migration_check
from tests.migration_check import faults

INDEX = models.Index(fields=["error"], name="x")
CHECK = models.CheckConstraint(condition=models.Q(error=""), name="x")
UNIQUE = models.UniqueConstraint(fields=["error"], name="x")
NEW_MODEL = migrations.CreateModel("thing", [("id", models.BigAutoField(primary_key=True))])


def judged(*operations: Operation, reason: str = "") -> list[str]:
    said = {"operations": list(operations), "zero_downtime": reason}
    migration = type("Migration", (Migration,), said)("9999_next", "generations")
    return list(faults(migration, MigrationLoader(None).project_state()))


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (migrations.RemoveField("generation", "error"), "one release later"),
        (migrations.DeleteModel("turn"), "one release later"),
        (migrations.RenameField("generation", "error", "fault"), "know the old name"),
        (migrations.RenameModel("turn", "place"), "know the old name"),
        (migrations.AddField("generation", "x", models.TextField(default="")), "INSERTs"),
        (migrations.AddField("generation", "x", models.TextField()), "INSERTs"),
        (migrations.AddIndex("generation", INDEX), "AddIndexConcurrently"),
        (migrations.AddConstraint("generation", CHECK), "AddConstraintNotValid"),
        (migrations.AddConstraint("generation", UNIQUE), "index concurrently first"),
        (migrations.AlterField("generation", "deleted_at", models.DateTimeField()), "null"),
        (migrations.AlterField("generation", "size", models.TextField(null=True)), "anew"),
        (migrations.AlterField("generation", "error", models.CharField(max_length=9)), "longer"),
        (migrations.RunSQL("DROP TABLE x"), "say why"),
    ],
)
def test_what_old_processes_or_writers_cannot_bear_is_refused(
    operation: Operation, why: str
) -> None:
    (fault,) = judged(operation)
    assert why in fault
    assert fault.startswith("generations.9999_next: ")


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("generation", "x", models.TextField(null=True)),
        migrations.AddField("generation", "x", models.TextField(default="", db_default="")),
        AddIndexConcurrently("generation", INDEX),
        migrations.AlterField("generation", "error", models.CharField(max_length=600)),
        migrations.RunPython(migrations.RunPython.noop),
        NEW_MODEL,
    ],
)
def test_what_they_can_live_with_passes(operation: Operation) -> None:
    assert judged(operation) == []


def test_a_table_of_its_own_may_be_made_as_one_likes() -> None:
    assert judged(NEW_MODEL, migrations.AddIndex("thing", INDEX)) == []


def test_what_hides_in_another_operation_is_found() -> None:
    hidden = migrations.SeparateDatabaseAndState([migrations.RemoveField("generation", "error")])
    assert len(judged(hidden)) == 1


def test_a_reason_lets_a_migration_pass() -> None:
    assert judged(migrations.RunSQL("SELECT 1"), reason="It reads and writes nothing.") == []


def test_the_release_names_migrations_that_exist() -> None:
    known = MigrationLoader(None).disk_migrations
    released = json.loads(migration_check.RELEASED.read_text())
    assert all((app, name) in known for app, name in released.items())
