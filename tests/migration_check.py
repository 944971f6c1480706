"""Refuse migrations that the version before could not live with: `python -m tests.migration_check`.

Part of `make lint`. While a new version is rolled out its schema is there and old processes still
serve, and no statement may keep writers of a large table waiting. Judged is what came after the
newest release, which deploy/released.json names; `--release` writes it anew. A migration that has
good reason says so in an attribute of its class: `zero_downtime = "the reason"`.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import django
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from config.settings import BASE_DIR

RELEASED = BASE_DIR / "deploy" / "released.json"
OURS = ("accounts", "billing", "generations", "reports")
REASON = "zero_downtime"

ALLOWED = (AddIndexConcurrently, AddConstraintNotValid)
# What old processes still use, or what holds a lock while a whole table is read.
REFUSED: dict[type[operations.base.Operation], str] = {
    operations.RemoveField: "old processes still read the column: drop it one release later",
    operations.DeleteModel: "old processes still use the table: drop it one release later",
    operations.RenameField: "old processes know the old name: add, copy, and drop later",
    operations.RenameModel: "old processes know the old name: keep it by db_table",
    operations.AlterModelTable: "old processes know the old name",
    operations.AddIndex: "writers wait meanwhile: use AddIndexConcurrently, with atomic = False",
    operations.AddConstraint: "writers wait while all rows are read: use AddConstraintNotValid and "
    "validate it later; for a unique one build the index concurrently first",
    operations.RunSQL: "nobody can judge SQL but a person: say why it is safe",
}


def main(arguments: list[str]) -> int:
    """Print what is unsafe and return 1, or 0 when nothing is."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    loader = MigrationLoader(None)
    if "--release" in arguments:
        newest = {app: name for app, name in loader.graph.leaf_nodes() if app in OURS}
        RELEASED.write_text(json.dumps(newest, indent=2, sort_keys=True) + "\n")
        return 0
    found = [fault for migration, state in _new(loader) for fault in faults(migration, state)]
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


def _new(loader: MigrationLoader) -> Iterator[tuple[Migration, ProjectState]]:
    """Yield ours since the release, each with the state before it."""
    released: Mapping[str, str] = json.loads(RELEASED.read_text())
    for key in sorted(loader.graph.nodes):
        app, name = key
        if app in OURS and name > released.get(app, ""):
            yield loader.disk_migrations[key], loader.project_state(key, at_end=False)


def faults(migration: Migration, before: ProjectState) -> Iterator[str]:
    """Yield a sentence for each operation that is unsafe while the version before still runs."""
    if getattr(migration, REASON, ""):
        return
    made = {
        one.name_lower for one in migration.operations if isinstance(one, operations.CreateModel)
    }
    for operation in _flat(migration.operations):
        if str(getattr(operation, "model_name", "")).lower() not in made and (
            why := _fault(operation, migration.app_label, before)
        ):
            yield f"{migration}: {operation.describe()}: {why}."


def _flat(found: Any) -> Iterator[operations.base.Operation]:
    for operation in found:
        if isinstance(operation, operations.SeparateDatabaseAndState):
            yield from _flat(operation.database_operations)
        else:
            yield operation


def _fault(operation: operations.base.Operation, app: str, before: ProjectState) -> str:
    if isinstance(operation, ALLOWED):
        return ""
    for kind, why in REFUSED.items():
        if isinstance(operation, kind):
            return why
    if isinstance(operation, operations.AddField):
        return _field_fault(operation.field)
    if isinstance(operation, operations.AlterField):
        model = before.models[app, operation.model_name.lower()]
        return _change_fault(model.fields[operation.name], operation.field)
    return ""


def _field_fault(field: Any) -> str:
    if field.many_to_many or field.null or field.db_default is not models.NOT_PROVIDED:
        return ""
    return "old processes leave it out of their INSERTs: allow null, or give a db_default"


def _change_fault(old: Any, new: Any) -> str:
    if old.null and not new.null:
        return "all rows are read, and old processes still write null: one release later"
    if old.get_internal_type() != new.get_internal_type():
        return "the table may be written anew: add a column, copy, and drop later"
    if (new.max_length or 0) < (old.max_length or 0):
        return "old processes still write longer values"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
