"""The docs: guides whose samples are real files, and the reference, read from the description."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_safe

from accounts import deliveries, webhook_secrets
from accounts.rates import WINDOW_SECONDS
from config.openapi_errors import REFUSALS
from generations import api, catalog, images
from generations.openapi.document import document
from generations.openapi.reading import read


@dataclass(frozen=True)
class Guide:
    """One page: its address, its title, and what it is about in a sentence, both in English."""

    slug: str
    title: str
    summary: str


GUIDES = (
    Guide("submit", _("Ask for a film"), _("One POST, and the answer comes at once.")),
    Guide("poll", _("Wait for it"), _("Ask until the film is ready, or let a client ask.")),
    Guide("webhook", _("Be told"), _("Your server hears from us when a film is ready, signed.")),
    Guide("upload", _("Send a picture"), _("A picture that is not on the web yet.")),
    Guide("errors", _("When it goes wrong"), _("One shape for every error, and what to do.")),
    Guide("idempotency", _("Try again safely"), _("The same request twice makes one film.")),
    Guide("test-mode", _("Try it for nothing"), _("A test key makes films that cost nothing.")),
    Guide("limits", _("Keys and limits"), _("What a key may do, and how often.")),
)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Show programmers the way."""
    model = catalog.IMAGE_TO_VIDEO
    context = {"guides": GUIDES, "models": catalog.MODELS.values(), "model": model}
    return render(request, "generations/docs.html", context)


@require_safe
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one guide."""
    places = {one.slug: at for at, one in enumerate(GUIDES)}
    if slug not in places:
        raise Http404("There is no such guide.")
    at = places[slug]
    context = {
        "guides": GUIDES,
        "guide": GUIDES[at],
        "before": GUIDES[at - 1] if at else None,
        "after": GUIDES[at + 1] if at + 1 < len(GUIDES) else None,
        "sync_seconds": api.SYNC_SECONDS_MAX,
        "picture_megabytes": catalog.IMAGE_BYTES_MAX // 1024 // 1024,
        "picture_side": catalog.IMAGE_SIDE_MIN,
        "ticket_minutes": int(images.TICKET_LIFE.total_seconds() // 60),
        "tries": deliveries.TRIES_MAX,
        "overlap_hours": int(webhook_secrets.OVERLAP.total_seconds() // 3600),
        "window_seconds": WINDOW_SECONDS,
        "refusals": REFUSALS,
    }
    return render(request, f"guides/{slug}.html", context)


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Show every call, as the description has it."""
    return render(request, "guides/reference.html", {"guides": GUIDES, **read(document())})
