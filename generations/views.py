"""The website: landing page, playground, gallery, the page of a job, and its files."""

import re
import uuid
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.access import user_of, with_account
from accounts.models import Account, User
from accounts.opening import account_of
from billing import ledger
from generations import catalog, delivery, images, lifecycle, pricing, wavespeed
from generations.forms import DURATION, CreateForm
from generations.models import Generation, GenerationQuerySet

GALLERY_PAGE = 24
RECENT_JOBS = 4
# What the browser shows of a running job is asked for this often.
PROGRESS_SECONDS = 1
EXAMPLE = {"resolution": "1080p", "duration": 5}

_FOR_SALE = {
    "model": catalog.IMAGE_TO_VIDEO,
    "duration": DURATION,
    "ticks": range(DURATION.low, DURATION.high + 1),
}


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Say what Gallop is, in one look."""
    price_micros = pricing.quote(catalog.IMAGE_TO_VIDEO, EXAMPLE)
    context = {**_FOR_SALE, "example": EXAMPLE, "example_micros": price_micros}
    return render(request, "generations/landing.html", context)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Show programmers the way."""
    return render(request, "generations/docs.html", _FOR_SALE)


@never_cache
@with_account
def create(request: HttpRequest, account: Account) -> HttpResponse:
    """The playground; a POST starts a job or says what is missing, keeping everything.

    `?from=<id>` begins with the settings of an earlier job.
    """
    earlier = _earlier(account, request.GET.get("from", ""))
    initial = earlier.inputs if earlier else request.GET.dict()
    form = CreateForm(account, request.POST or None, request.FILES or None, initial=initial)
    missing: ledger.InsufficientCredit | None = None
    # Without script the price is asked for by a button of its own.
    if request.method == "POST" and form.is_valid() and "reckon" not in request.POST:
        try:
            generation = lifecycle.request(
                account,
                catalog.IMAGE_TO_VIDEO,
                form.cleaned_data["inputs"],
                user=user_of(request),
                upload=form.upload,
            )
        except ledger.InsufficientCredit as error:
            missing = error
        except ledger.AccountFrozen as error:
            form.add_error(None, str(error))
        else:
            return redirect("film", pk=generation.pk)
    kept = form.upload or (earlier.upload if earlier else None)
    context = {
        **_FOR_SALE,
        "form": form,
        "missing": missing,
        "kept": kept,
        "kept_url": images.path(kept) if kept else "",
        "recent": _newest(account)[:RECENT_JOBS],
    }
    return render(request, "generations/create.html", context)


@with_account
def gallery(request: HttpRequest, account: Account) -> HttpResponse:
    """The account's finished videos, newest first; running ones above them.

    The running ones are asked for again alone; those that have ended since stay among them.
    """
    since = _moment(request.GET.get("since", ""))
    running = _newest(account).filter(
        Q(status__in=Generation.UNFINISHED) | Q(finished_at__gte=since)
    )
    context = {
        "running": running,
        "going_on": any(not job.is_finished for job in running),
        "since": since,
        "refresh_seconds": PROGRESS_SECONDS,
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "generations/_running.html", context)
    films = _newest(account).filter(status=Generation.Status.COMPLETED)
    page = Paginator(films, GALLERY_PAGE).get_page(request.GET.get("page"))
    return render(request, "generations/gallery.html", {**context, "page": page})


@never_cache
@with_account
def film(request: HttpRequest, account: Account, pk: uuid.UUID) -> HttpResponse:
    """One job: its progress, then its video or the reason why there is none."""
    generation = get_object_or_404(_newest(account), pk=pk)
    context = {"film": generation, "refresh_seconds": PROGRESS_SECONDS}
    # The same fragment is the page's middle and the answer to its own asking.
    template = "generations/_film.html" if request.htmx else "generations/film.html"  # type: ignore[attr-defined]
    return render(request, template, context)


@require_safe
def film_file(request: HttpRequest, pk: uuid.UUID, part: str) -> HttpResponseBase:
    """A job's video, poster, strip or picture: for its account, or for a signed address."""
    signed = part == "video.mp4" and delivery.signature_fits(
        pk.hex, request.GET.get("signature", "")
    )
    if signed:
        generation = get_object_or_404(Generation, pk=pk)
    else:
        visible = Generation.objects.visible_to(_account_or_404(request.user))
        generation = get_object_or_404(visible.select_related("upload"), pk=pk)
    names = {
        "video.mp4": generation.video,
        "poster.jpg": generation.poster,
        "strip.jpg": generation.strip,
        "picture": generation.upload.file if generation.upload else "",
    }
    download_as = f"gallop-{pk.hex[:8]}.mp4" if "download" in request.GET else ""
    return delivery.serve(request, names[part], download_as=download_as)


@csrf_exempt
@require_POST
def wavespeed_hook(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """WaveSpeed says that a job has ended: believe only the signature, and look ourselves."""
    try:
        secret = wavespeed.webhook_secret()
    except wavespeed.Unavailable:
        return HttpResponse("Try again.", status=503)
    if not wavespeed.verify_webhook(request.body, request.headers, secret):
        return HttpResponse("The signature does not match.", status=400)
    lifecycle.make_due(str(pk))
    return HttpResponse("ok")


def _newest(account: Account) -> GenerationQuerySet:
    """Return the account's jobs with their pictures, newest first."""
    visible = Generation.objects.visible_to(account).select_related("upload")
    return visible.order_by("-created_at", "-id")


def _earlier(account: Account, name: str) -> Generation | None:
    """Return the account's job of this id, None when it has none."""
    try:
        return _newest(account).filter(pk=uuid.UUID(name)).first()
    except ValueError:
        return None


def _moment(seconds: str) -> datetime:
    """Return the moment of a Unix time; anything else means now."""
    known = re.fullmatch(r"\d{1,10}", seconds, re.ASCII)
    return datetime.fromtimestamp(int(seconds), UTC) if known else timezone.now()


def _account_or_404(user: User | AnonymousUser) -> Account:
    """Return the visitor's account; strangers learn nothing, not even that the file exists."""
    if not isinstance(user, User):
        raise Http404(settings.LOGIN_URL)
    return account_of(user)
