"""Tables of the admin that are looked at and written elsewhere."""

from typing import Any, ClassVar

from django.db.models.expressions import Combinable
from unfold.admin import ModelAdmin

# The package types what may be a template's name as None alone.
ACTIONS: Any = "admin/desk/_actions.html"


class ReadOnlyAdmin(ModelAdmin):
    """Rows to be looked at. What can be done about them stands above each (generations.desk)."""

    ordering: ClassVar[tuple[str | Combinable, ...]] = ("-pk",)
    change_form_before_template = ACTIONS

    def has_add_permission(self, *_: object) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, *_: object) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, *_: object) -> bool:
        """Refuse."""
        return False
