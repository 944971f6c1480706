"""The website: landing page, playground, and the door for the upstream's own messages."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.access import (
    MODE_CHANGED,
    mode_changed,
    user_of,
    with_films,
)
from accounts.models import Account
from billing import ledger
from billing.views import BEGUN
from generations import catalog, gallery, gallery_pages, images, lifecycle, pricing, wavespeed
from generations.forms import CreateForm
from generations.models import Generation, Upload

EXAMPLE = {"resolution": "1080p", "duration": 5}


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Say what Gallop is, in one look."""
    price_micros = pricing.quote(catalog.IMAGE_TO_VIDEO, EXAMPLE)
    sold = _for_sale(catalog.IMAGE_TO_VIDEO)
    context = {**sold, "example": EXAMPLE, "example_micros": price_micros}
    return render(request, "generations/landing.html", context)


@never_cache
@with_films
def create(request: HttpRequest, account: Account) -> HttpResponse:
    """The playground; a POST starts a job or says what is missing, keeping everything.

    `?model=<id>` chooses the model, `?from=<id>` begins with the settings of an earlier job,
    `?picture=<id>` with a picture that is here already.
    """
    earlier = _earlier(account, request.GET.get("from", ""))
    initial = earlier.inputs if earlier else request.GET.dict()
    asked = request.POST.get("model") or (earlier.model if earlier else request.GET.get("model"))
    model = catalog.MODELS.get(asked or "", catalog.IMAGE_TO_VIDEO)
    form = CreateForm(account, model, request.POST or None, request.FILES or None, initial=initial)
    missing: ledger.InsufficientCredit | None = None
    if mode_changed(request, account):
        form.add_error(None, MODE_CHANGED)
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
    kept = form.upload or (earlier.upload if earlier else _picture(account, request))
    if missing:
        request.session[BEGUN] = _begun(form, kept)
    context = {
        **_for_sale(model),
        "form": form,
        "missing": missing,
        "kept": kept,
        "kept_url": images.path(kept) if kept else "",
        **gallery_pages.recent_jobs(account),
    }
    return render(request, "generations/create.html", context)


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


def _begun(form: CreateForm, kept: Upload | None) -> dict[str, str]:
    """Return the query that brings this form back, to be gone on with after buying."""
    asked = {name: form.data[name] for name in form.fields if form.data.get(name)}
    asked.pop("kept", None)
    return {"model": form.model.id, **asked, **({"picture": str(kept.pk)} if kept else {})}


def _picture(account: Account, request: HttpRequest) -> Upload | None:
    """Return the account's picture of this id, to begin a film with."""
    try:
        wanted = uuid.UUID(request.GET.get("picture", ""))
    except ValueError:
        return None
    return Upload.objects.filter(account=account, pk=wanted).exclude(file="").first()


def _earlier(account: Account, name: str) -> Generation | None:
    """Return the account's job of this id, None when it has none."""
    try:
        return gallery.newest(account).filter(pk=uuid.UUID(name)).first()
    except ValueError:
        return None
