from typing import ClassVar

from django.contrib import admin
from django.db.models.expressions import Combinable
from unfold.admin import ModelAdmin

from billing.models import Hold, LedgerAccount, Purchase, StripeEvent, Transfer


class ReadOnlyAdmin(ModelAdmin):
    """Money is looked at here, and moved by billing.ledger only."""

    ordering: ClassVar[tuple[str | Combinable, ...]] = ("-pk",)

    def has_add_permission(self, *_: object) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, *_: object) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, *_: object) -> bool:
        """Refuse."""
        return False


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    """Balances."""

    list_display = ("__str__", "balance_micros", "held_micros")
    search_fields = ("account__name", "code")


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    """Every movement of money."""

    list_display = ("created_at", "kind", "amount_micros", "debit", "credit", "reference")
    list_filter = ("kind",)
    search_fields = ("reference",)
    list_select_related = ("debit__account", "credit__account")


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    """Credit set aside for jobs."""

    list_display = ("created_at", "ledger_account", "amount_micros", "state", "reference")
    list_filter = ("state",)
    search_fields = ("reference",)
    list_select_related = ("ledger_account__account",)


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    """Credit bought, or meant to be."""

    list_display = ("created_at", "account", "amount_micros", "status", "payment_intent")
    list_filter = ("status",)
    search_fields = ("id", "session", "payment_intent", "account__name")
    list_select_related = ("account",)
    ordering = ("-created_at",)


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    """What Stripe told us."""

    list_display = ("received_at", "type", "id")
    list_filter = ("type",)
    search_fields = ("id", "type")
    ordering = ("-received_at",)
