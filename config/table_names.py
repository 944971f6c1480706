"""What tables are called, and where the admin shows their rows."""

from django.apps import apps
from django.db.models import Model
from django.urls import reverse


def label(table: Model | type[Model]) -> str:
    """Return the name of a row's or class's table, such as "billing.purchase"."""
    model = table if isinstance(table, type) else type(table)
    app = apps.get_containing_app_config(model.__module__)
    assert app is not None, f"{model} belongs to no app"
    return f"{app.label}.{model.__name__.lower()}"


def name(table: Model | type[Model]) -> str:
    """Return the same without the app: "purchase"."""
    return label(table).partition(".")[2]


def permission(table: Model | type[Model], verb: str) -> str:
    """Return what one must have to view, add, change or delete rows: "billing.view_purchase"."""
    app, _, model = label(table).partition(".")
    return f"{app}.{verb}_{model}"


def page_of(row: Model) -> str:
    """Return the address of a row in the admin."""
    return reverse(f"admin:{label(row).replace('.', '_')}_change", args=[row.pk])


def page_of_all(table: Model | type[Model]) -> str:
    """Return the address of the admin's list of a table."""
    return reverse(f"admin:{label(table).replace('.', '_')}_changelist")
