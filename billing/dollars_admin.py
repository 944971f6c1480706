"""The admin shows dollars, never micro-dollars."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from billing import money
from config.readonly_admin import ReadOnlyAdmin

MICROS = "micros"


class DollarsAdmin(ReadOnlyAdmin):
    """A table in which every column of micro-dollars is shown in dollars."""

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns, those of money in dollars."""
        return in_dollars(self.model, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields, those of money in dollars."""
        return in_dollars(self.model, super().get_fields(request, obj))


def in_dollars(model: type[Model], names: Sequence[Any]) -> list[Any]:
    """Return the names with what shows each sum of money in its place."""
    return [
        _column(model, name) if isinstance(name, str) and MICROS in name.split("_") else name
        for name in names
    ]


def _column(model: type[Model], name: str) -> Callable[[Any], str]:
    field: Any = getattr(model, name).field

    @admin.display(description=str(field.verbose_name).replace(MICROS, "$"), ordering=name)
    def dollars(row: Any) -> str:
        micros = getattr(row, name)
        return "-" if micros is None else money.display(micros)

    # Two columns of one table are told apart by their names.
    dollars.__name__ = name.replace(MICROS, "dollars")
    return dollars
