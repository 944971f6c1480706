"""The website: landing page, playground, gallery, the page of a job, and its files."""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
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
from generations import catalog, delivery, failures, images, lifecycle, line, pricing, wavespeed
from generations.forms import CreateForm
from generations.models import Generation, GenerationQuerySet

GALLERY_PAGE = 24
RECENT_JOBS = 4
# What the browser shows of a running job is asked for this often.
PROGRESS_SECONDS = 1
# Far back in the line less often: so much goes on before one that a second changes nothing.
WAITING_SECONDS = 5
FAR_BACK = 20
EXAMPLE = {"resolution": "1080p", "duration": 5}


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Say what Gallop is, in one look."""
    price_micros = pricing.quote(catalog.IMAGE_TO_VIDEO, EXAMPLE)
    sold = _for_sale(catalog.IMAGE_TO_VIDEO)
    context = {**sold, "example": EXAMPLE, "example_micros": price_micros}
    return render(request, "generations/landing.html", context)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Show programmers the way."""
    sold = _for_sale(catalog.IMAGE_TO_VIDEO)
    return render(request, "generations/docs.html", {**sold, "words": catalog.TEXT_TO_VIDEO})


@never_cache
@with_account
def create(request: HttpRequest, account: Account) -> HttpResponse:
    """The playground; a POST starts a job or says what is missing, keeping everything.

    `?model=<id>` chooses the model, `?from=<id>` begins with the settings of an earlier job.
    """
    earlier = _earlier(account, request.GET.get("from", ""))
    initial = earlier.inputs if earlier else request.GET.dict()
    asked = request.POST.get("model") or (earlier.model if earlier else request.GET.get("model"))
    model = catalog.MODELS.get(asked or "", catalog.IMAGE_TO_VIDEO)
    form = CreateForm(account, model, request.POST or None, request.FILES or None, initial=initial)
    missing: ledger.InsufficientCredit | None = None
    # Without script the price is asked for by a button of its own.
    if request.method == "POST" and form.is_valid() and "reckon" not in request.POST:
        try:
            generation = lifecycle.request(
                account,
                model,
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
    recent = _newest(account)[:RECENT_JOBS]
    context = {
        **_for_sale(model),
        "form": form,
        "missing": missing,
        "kept": kept,
        "kept_url": images.path(kept) if kept else "",
        "recent": recent,
        "outlooks": line.outlooks(recent),
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
    outlooks = line.outlooks(running)
    context = {
        "running": running,
        "outlooks": outlooks,
        "going_on": any(not job.is_finished for job in running),
        "since": since,
        "refresh_seconds": _refresh_seconds(outlooks),
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
    outlooks = line.outlooks([generation])
    context = {
        "film": generation,
        "outlooks": outlooks,
        "refresh_seconds": _refresh_seconds(outlooks),
    }
    # The same fragment is the page's middle and the answer to its own asking.
    template = "generations/_film.html" if request.htmx else "generations/film.html"  # type: ignore[attr-defined]
    return render(request, template, context)


@require_POST
@with_account
def cancel(request: HttpRequest, account: Account, pk: uuid.UUID) -> HttpResponse:
    """End a job that still waits; when it waits no more, its page says why that is too late."""
    generation = get_object_or_404(_newest(account), pk=pk)
    if not lifecycle.cancel(generation):
        generation.refresh_from_db()
        messages.error(request, failures.too_late_to_cancel(generation))
    return redirect("film", pk=pk)


@require_safe
def film_file(request: HttpRequest, pk: uuid.UUID, part: str) -> HttpResponseBase:
    """A file of a job: for its account, and the video for a signed address too."""
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
        "preview.mp4": generation.preview,
        "picture": generation.upload.file if generation.upload else "",
    }
    download_as = f"gallop-{pk.hex[:8]}.mp4" if "download" in request.GET else ""
    return delivery.serve(request, names[part], download_as=download_as)


@csrf_exempt
@require_POST
def wavespeed_hook(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """WaveSpeed says that a job has ended: believe what it calls the job, and look ourselves."""
    try:
        secret = wavespeed.webhook_secret()
    except wavespeed.Unavailable:
        return HttpResponse("Try again.", status=503)
    if not wavespeed.verify_webhook(request.body, request.headers, secret):
        return HttpResponse("The signature does not match.", status=400)
    lifecycle.make_due(str(pk), wavespeed.told_id(request.body))
    return HttpResponse("ok")


def _for_sale(model: catalog.Model) -> dict[str, object]:
    """Return what pages say of the models, this one foremost."""
    duration = model.parameter("duration")
    return {
        "models": catalog.MODELS.values(),
        "model": model,
        "duration": duration,
        "ticks": range(duration.low, duration.high + 1),
    }


def _newest(account: Account) -> GenerationQuerySet:
    """Return the account's jobs with their pictures, newest first."""
    visible = Generation.objects.visible_to(account).select_related("upload")
    return visible.order_by("-created_at", "-id")


def _refresh_seconds(outlooks: Mapping[uuid.UUID, line.Outlook]) -> int:
    """Return how often the page asks for these jobs again."""
    places = [outlook.place for outlook in outlooks.values()]
    far = all(place is not None and place.before >= FAR_BACK for place in places)
    return WAITING_SECONDS if far else PROGRESS_SECONDS


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
