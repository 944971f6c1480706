"""The gallery: an account's films, found, chosen, downloaded, deleted and brought back."""

from itertools import chain

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import with_films
from accounts.models import Account
from config.errors import STORAGE_DOWN
from config.media import StorageDown
from generations import bulk, disposal, gallery, line, polling
from generations.gallery_form import GalleryForm
from generations.models import Generation, GenerationQuerySet

RECENT_JOBS = 4


@require_safe
@with_films
def films(request: HttpRequest, account: Account) -> HttpResponse:
    """The films that are wanted; above them, when nothing is, those being made.

    What is being made asks for itself alone, and so does the next page when its place is reached.
    """
    if request.htmx and "making" in request.GET:  # type: ignore[attr-defined]
        watched = gallery.ids_in(request.GET["making"].split(","), 2 * gallery.MAKING)
        jobs = gallery.making(account, watched)
        return render(request, "generations/_running.html", _running(jobs))
    form = GalleryForm(request.GET)
    after = gallery.Place.read(request.GET.get("after", ""))
    context: dict[str, object] = {"form": form, "after": after}
    if form.wanted or after:
        page = gallery.page(account, form.wanted, after)
    else:
        jobs, page = gallery.front(account)
        context |= _running(jobs)
    context |= {"page": page, "rows": _rows(page, form, after)}
    if request.htmx and after:  # type: ignore[attr-defined]
        return render(request, "generations/_cards.html", context)
    makers = gallery.makers(account)
    undo = gallery.moment_of(request.GET.get("deleted", ""))
    context |= {
        "makers": makers,
        "chips": form.chips(makers),
        "undo": undo if undo and timezone.now() < undo + disposal.UNDO_AGE else None,
        "undo_text": request.GET.get("deleted", ""),
        "choose_max": bulk.FILMS_MAX,
    }
    return render(request, "generations/gallery.html", context)


@require_safe
@never_cache
@with_films
def recent(request: HttpRequest, account: Account) -> HttpResponse:
    """The newest jobs, for the page that makes them."""
    return render(request, "generations/_recent.html", recent_jobs(account))


def recent_jobs(account: Account) -> dict[str, object]:
    """Return the newest jobs of an account, and how often to ask for them again."""
    jobs = list(gallery.newest(account)[:RECENT_JOBS])
    return {"recent": jobs, **_shown(jobs)}


@require_safe
@never_cache
@with_films
def deleted(request: HttpRequest, account: Account) -> HttpResponse:
    """What can still be brought back."""
    context = {"films": gallery.deleted(account), "hours": disposal.UNDO_AGE.total_seconds() / 3600}
    return render(request, "generations/deleted.html", context)


@require_POST
@with_films
def download(request: HttpRequest, account: Account) -> HttpResponseBase:
    """Send the chosen films as one ZIP, in the order of the page."""
    ready = _chosen(request, account).filter(status=Generation.Status.COMPLETED)
    chosen = list(ready.order_by("-created_at", "-id"))
    if not chosen:
        messages.error(request, _("Choose the films that you want to download."))
        return _back(request)
    parts = bulk.archive(chosen)
    try:
        # Trouble with the storage is told on a page, as long as nothing was sent.
        first = next(parts)
    except StorageDown:
        messages.error(request, _(STORAGE_DOWN))
        return _back(request)
    response = StreamingHttpResponse(chain([first], parts), content_type="application/zip")
    name = f"gallop-films-{timezone.localdate()}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@with_films
def delete(request: HttpRequest, account: Account) -> HttpResponse:
    """Hide the chosen films, to be deleted in a day."""
    now = timezone.now()
    if not disposal.hide(_chosen(request, account), now):
        messages.error(request, _("Choose the films that you want to delete."))
        return _back(request)
    return redirect(f"{reverse('gallery')}?deleted={gallery.moment_text(now)}")


@require_POST
@with_films
def restore(request: HttpRequest, account: Account) -> HttpResponse:
    """Bring back the films that were deleted at one moment, or those that were chosen."""
    hidden = Generation.objects.filter(account=account)
    moment = gallery.moment_of(request.POST.get("deleted", ""))
    wanted = gallery.ids_in(request.POST.getlist("film"), bulk.FILMS_MAX)
    which = hidden.filter(hidden_at=moment) if moment else hidden.filter(pk__in=wanted)
    if count := disposal.bring_back(which):
        words = ngettext("Your film is back.", "Your %(count)s films are back.", count)
        messages.success(request, words % {"count": count})
    else:
        messages.error(request, _("There is nothing to bring back: what was deleted is gone."))
    return redirect("gallery")


def _chosen(request: HttpRequest, account: Account) -> GenerationQuerySet:
    """Return the account's films that were chosen; none of them when they are too many."""
    texts = request.POST.getlist("film")
    if len(texts) > bulk.FILMS_MAX:
        words = _("Choose at most %(most)s films at once.")
        messages.error(request, words % {"most": bulk.FILMS_MAX})
        return Generation.objects.none()
    ids = gallery.ids_in(texts, bulk.FILMS_MAX)
    return Generation.objects.visible_to(account).filter(pk__in=ids)


def _back(request: HttpRequest) -> HttpResponse:
    """Return to the page of the gallery from which the form was sent."""
    back = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("gallery")


def _running(jobs: list[Generation]) -> dict[str, object]:
    return {"running": jobs, "more_running": len(jobs) >= gallery.MAKING, **_shown(jobs)}


def _shown(jobs: list[Generation]) -> dict[str, object]:
    """Return what a page needs to show jobs that may be going on."""
    outlooks = line.outlooks(jobs)
    return {
        "outlooks": outlooks,
        "going_on": any(not job.is_finished for job in jobs),
        "refresh_seconds": polling.seconds(outlooks),
    }


def _rows(
    page: gallery.Page, form: GalleryForm, after: gallery.Place | None
) -> list[tuple[Generation, object]]:
    """Return each film with the day that begins with it; None where none does."""
    by_length = form.wanted.get("sort") == "longest"
    before = timezone.localdate(after.created_at) if after else None
    rows: list[tuple[Generation, object]] = []
    for film in page.films:
        day = None if by_length else timezone.localdate(film.created_at)
        rows.append((film, day if day != before else None))
        before = day
    return rows
