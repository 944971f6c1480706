"""The page of a job: its progress, its film, and what its account does to it."""

import uuid
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import MAKERS, NO_FILMS, account_shown, require, with_films
from accounts.models import Account, User
from config.errors import STORAGE_DOWN
from config.media import StorageDown
from generations import (
    catalog,
    delivery,
    disposal,
    failures,
    gallery,
    images,
    lifecycle,
    line,
    marked,
    marking,
    polling,
    request_code,
)
from generations.models import Generation


@never_cache
@with_films
def film(request: HttpRequest, account: Account, pk: uuid.UUID) -> HttpResponse:
    """One job: its progress, then its video or the reason why there is none."""
    generation = _own(account, pk)
    outlooks = line.outlooks([generation])
    context = {
        "film": generation,
        "outlooks": outlooks,
        "refresh_seconds": polling.seconds(outlooks),
        "samples": request_code.samples(generation),
        "title_length_max": marked.TITLE_LENGTH_MAX,
    }
    # The same fragment is the page's middle and the answer to its own asking.
    template = "generations/_film.html" if request.htmx else "generations/film.html"  # type: ignore[attr-defined]
    return render(request, template, context)


@require_POST
@with_films
def cancel(request: HttpRequest, account: Account, pk: uuid.UUID) -> HttpResponse:
    """End a job that still waits; when it waits no more, its page says why that is too late."""
    generation = _own(account, pk)
    if not lifecycle.cancel(generation):
        generation.refresh_from_db()
        messages.error(request, failures.too_late_to_cancel(generation))
    return redirect("film", pk=pk)


@require_POST
@with_films
def title(request: HttpRequest, account: Account, pk: uuid.UUID) -> HttpResponse:
    """Give a job a title, or take it away."""
    given = request.POST.get("title", "")
    generation = _own(account, pk)
    if catalog.storable(given):
        marking.rename(generation, given)
    else:
        messages.error(request, _("A title cannot hold broken characters. Remove them."))
    return redirect("film", pk=pk)


@require_POST
@with_films
def favourite(request: HttpRequest, account: Account, pk: uuid.UUID) -> HttpResponse:
    """Make a job a favourite, or none; a card's star is answered with itself."""
    generation = _own(account, pk)
    generation.favourite = request.POST.get("to") == "on"
    marking.mark(generation, favourite=generation.favourite)
    if request.htmx:  # type: ignore[attr-defined]
        context = {"film": generation, "worded": request.POST.get("worded")}
        return render(request, "generations/_star.html", context)
    back = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("film", pk=pk)


@require_POST
@with_films
def share(request: HttpRequest, account: Account, pk: uuid.UUID) -> HttpResponse:
    """Make a link by which anybody may see this one film."""
    try:
        marking.share(_own(account, pk))
    except marking.NotReady as refusal:
        messages.error(request, str(refusal))
    return redirect(f"{reverse('film', args=[pk])}#share")


@require_POST
@with_films
def unshare(request: HttpRequest, account: Account, pk: uuid.UUID) -> HttpResponse:
    """End the link of a film."""
    marking.unshare(_own(account, pk))
    messages.success(request, _("The link works no more."))
    return redirect("film", pk=pk)


@require_POST
@with_films
def last_frame(request: HttpRequest, account: Account, pk: uuid.UUID) -> HttpResponse:
    """Open Create with the film's last frame as the first of the next, and the same settings."""
    generation = _own(account, pk)
    try:
        picture = marking.last_frame(generation)
    except (marking.NotReady, marking.FilmGone, images.ImageRefused) as refusal:
        messages.error(request, str(refusal))
        return redirect("film", pk=pk)
    except StorageDown:
        messages.error(request, _(STORAGE_DOWN))
        return redirect("film", pk=pk)
    settings_ = {name: generation.inputs[name] for name in catalog.PRICED}
    query = {"model": catalog.IMAGE_TO_VIDEO.id, "picture": picture.pk.hex, **settings_}
    return redirect(f"{reverse('create')}?{urlencode(query)}")


@require_POST
@with_films
def delete(request: HttpRequest, account: Account, pk: uuid.UUID) -> HttpResponse:
    """Hide a job, to be deleted in a day; the gallery offers to bring it back."""
    generation, now = _own(account, pk), timezone.now()
    if not disposal.hide(Generation.objects.filter(pk=generation.pk), now):
        messages.error(request, str(disposal.StillRunning()))
        return redirect("film", pk=pk)
    return redirect(f"{reverse('gallery')}?deleted={gallery.moment_text(now)}")


@require_safe
def film_file(request: HttpRequest, pk: uuid.UUID, part: str) -> HttpResponseBase:
    """A file of a job: for its account, and the video for a signed address too."""
    signed = part == "video.mp4" and delivery.signature_fits(
        pk.hex, request.GET.get("signature", "")
    )
    if signed:
        generation = get_object_or_404(Generation.objects.filter(marked.SHOWN), pk=pk)
    else:
        # Also of what can still be brought back: its poster says what that is.
        kept = Generation.objects.filter(account=_account_or_404(request), deleted_at=None)
        generation = get_object_or_404(kept.select_related("upload"), pk=pk)
    names = {
        "video.mp4": generation.video,
        "poster.jpg": generation.poster,
        "poster-small.webp": generation.poster_small,
        "strip.jpg": generation.strip,
        "preview.mp4": generation.preview,
        "picture": generation.upload.file if generation.upload else "",
    }
    download_as = f"gallop-{pk.hex[:8]}.mp4" if "download" in request.GET else ""
    return delivery.serve(request, names[part], download_as=download_as)


def _own(account: Account, pk: uuid.UUID) -> Generation:
    return get_object_or_404(gallery.newest(account).select_related("upload", "last_frame"), pk=pk)


def _account_or_404(request: HttpRequest) -> Account:
    """Return the visitor's account; strangers learn nothing, not even that the file exists."""
    if not isinstance(request.user, User):
        raise Http404(settings.LOGIN_URL)
    require(request, MAKERS, NO_FILMS)
    return account_shown(request)
