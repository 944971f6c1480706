from django.contrib import admin

from billing.dollars_admin import DollarsAdmin
from generations.reports.models import UpstreamBill, UpstreamPrice


@admin.register(UpstreamPrice)
class UpstreamPriceAdmin(DollarsAdmin):
    """What the upstream asks for a second, dated."""

    list_display = ("since", "model", "resolution", "micros_per_second")
    ordering = ("-since",)


@admin.register(UpstreamBill)
class UpstreamBillAdmin(DollarsAdmin):
    """What the upstream charged and gave back."""

    list_display = ("billed_at", "sort", "micros", "upstream_id", "generation")
    list_filter = ("sort",)
    search_fields = ("upstream_id", "generation__id")
    ordering = ("-billed_at",)
