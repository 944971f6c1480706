from django.contrib import admin

from billing.admin import ReadOnlyAdmin
from generations.models import Generation, Upload


@admin.register(Generation)
class GenerationAdmin(ReadOnlyAdmin):
    """Jobs. Their status is written by generations.lifecycle only."""

    list_display = ("created_at", "id", "account", "status", "price_micros", "operator_note")
    list_filter = ("status", "model")
    search_fields = ("id", "upstream_id", "account__name")
    list_select_related = ("account",)
    ordering = ("-created_at", "-id")


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """Pictures that came in."""

    list_display = ("created_at", "id", "account", "filename", "width", "height", "size")
    search_fields = ("id", "account__name")
    list_select_related = ("account",)
    ordering = ("-created_at",)
