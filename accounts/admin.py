from django.contrib import admin
from unfold.admin import ModelAdmin

from accounts.models import Account, ApiKey, User


@admin.register(User)
class UserAdmin(ModelAdmin):
    """People. Passwords are changed by mail, never typed in here."""

    list_display = ("email", "is_active", "is_staff", "date_joined", "last_login")
    search_fields = ("email",)
    fields = ("email", "is_active", "is_staff", "is_superuser", "date_joined", "last_login")
    readonly_fields = ("date_joined", "last_login")
    ordering = ("-id",)


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    """Customers."""

    list_display = ("name", "id", "paid_micros", "created_at")
    search_fields = ("name", "id", "users__email")
    readonly_fields = ("id", "paid_micros", "created_at")
    ordering = ("-created_at",)


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Keys, to be looked at only: their digests are of no use to anyone."""

    list_display = (
        *("name", "prefix", "account", "mode", "scopes"),
        *("created_at", "last_used_at", "expires_at", "revoked_at"),
    )
    search_fields = ("prefix", "name", "account__name")
    exclude = ("digest", "previous_digest")
    ordering = ("-id",)

    def has_change_permission(self, *_: object) -> bool:
        """Keys are made and revoked by their owners."""
        return False

    def has_add_permission(self, *_: object) -> bool:
        """Keys are made and revoked by their owners."""
        return False
