from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline

from billing.dollars_admin import DollarsAdmin
from generations import context, places
from generations.models import (
    Generation,
    GenerationQuerySet,
    Submission,
    Upload,
    UpstreamState,
)

# How the driver begins the note of a job that it gave up while the upstream may have it.
PAID_PERHAPS = "may have been paid upstream"


class Doubt(admin.SimpleListFilter):
    """Jobs of which nobody knew, or knows, whether the upstream has them."""

    title = "doubt"
    parameter_name = "doubt"

    def lookups(self, *_: object) -> list[tuple[str, str]]:
        """Return what can be asked for."""
        return [
            ("now", "in doubt now"),
            ("paid", "given up, perhaps paid upstream"),
            ("once", "was in doubt once"),
            ("twice", "submitted more than once"),
        ]

    def queryset(
        self, _: HttpRequest, queryset: QuerySet[Generation]
    ) -> QuerySet[Generation] | None:
        """Return the jobs asked for."""
        doubted = Submission.objects.filter(outcome=Submission.Outcome.IN_DOUBT)
        by_job = Submission.objects.order_by().values("generation")
        several = by_job.annotate(times=Count("id")).filter(times__gt=1)
        match self.value():
            case "now":
                return queryset.filter(status=Generation.Status.IN_DOUBT)
            case "paid":
                failed = queryset.filter(status=Generation.Status.FAILED)
                return failed.filter(operator_note__startswith=PAID_PERHAPS)
            case "once":
                return queryset.filter(pk__in=doubted.values("generation"))
            case "twice":
                return queryset.filter(pk__in=several.values("generation"))
        return None


class SubmissionInline(TabularInline):
    """What was sent upstream of a job, and what came of it."""

    model = Submission
    fields = ("sent_at", "outcome")
    readonly_fields = fields
    ordering = ("sent_at", "id")
    extra = 0
    can_delete = False

    def has_add_permission(self, *_: object) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, *_: object) -> bool:
        """Refuse."""
        return False


@admin.register(Generation)
class GenerationAdmin(DollarsAdmin):
    """Jobs. Their status is written by generations.lifecycle only."""

    list_display = (
        *("created_at", "id", "account", "test", "status"),
        *("price_micros", "operator_note"),
    )
    list_filter = ("test", "status", Doubt, "model")
    search_fields = ("id", "upstream_id", "account__name")
    list_select_related = ("account",)
    ordering = ("-created_at", "-id")
    inlines = (SubmissionInline,)


@admin.register(UpstreamState)
class UpstreamStateAdmin(DollarsAdmin):
    """What the drivers know of the upstream, and what to do about it."""

    list_display = ("what", "trouble_since", "way_out", "trouble_note", "waiting", "running")
    fields = (
        "what",
        "trouble_since",
        "way_out",
        "trouble_note",
        "told_at",
        "probes",
        "probe_at",
        "waiting",
        "running",
        "at_once",
    )

    @admin.display(description="trouble")
    def what(self, state: UpstreamState) -> str:
        """Return what is wrong."""
        return str(state)

    @admin.display(description="what to do")
    def way_out(self, state: UpstreamState) -> str:
        """Return what the operator can do about it."""
        return context.way_out(state) or "Nothing: films start as they should."

    @admin.display(description="films waiting")
    def waiting(self, _: UpstreamState) -> int:
        """Return how many jobs wait for a place."""
        return _live().filter(status=Generation.Status.CREATED).count()

    @admin.display(description="films upstream")
    def running(self, _: UpstreamState) -> int:
        """Return how many jobs are with the upstream, or may be."""
        return _live().unfinished().exclude(status=Generation.Status.CREATED).count()

    @admin.display(description="at once at most")
    def at_once(self, state: UpstreamState) -> str:
        """Return the limit that holds now, of our tier or learnt from a 429."""
        most = places.ceiling(state, timezone.now())
        return str(most) if most < places.UNLIMITED else "no limit"


def _live() -> GenerationQuerySet:
    return Generation.objects.filter(test=False)


@admin.register(Upload)
class UploadAdmin(DollarsAdmin):
    """Pictures that came in."""

    list_display = ("created_at", "id", "account", "filename", "width", "height", "size")
    search_fields = ("id", "account__name")
    list_select_related = ("account",)
    ordering = ("-created_at",)
