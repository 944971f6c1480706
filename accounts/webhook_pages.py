"""The pages of webhooks: who is told, the secrets, and the log with its replays.

Everybody in an account may look; only its managers change anything or see a secret.
"""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import webhook_secrets, webhooks
from accounts.access import may_manage, with_films, with_managed_account
from accounts.forms import EventsForm, WebhookForm
from accounts.models import Account, Event, WebhookDelivery, WebhookEndpoint
from config import sealing

LOG_ROWS = 25
FIRST_EVENTS = [Event.COMPLETED, Event.FAILED]


@never_cache
@with_films
def webhook_list(request: HttpRequest, account: Account) -> HttpResponse:
    """List the endpoints and what was sent."""
    return _list(request, account)


@never_cache
@require_POST
@with_managed_account
def webhook_add(request: HttpRequest, account: Account) -> HttpResponse:
    """Make an endpoint and show its secret."""
    form = WebhookForm(request.POST)
    if not form.is_valid():
        return _list(request, account, form=form)
    try:
        endpoint = webhooks.add(account, form.cleaned_data["url"], form.cleaned_data["events"])
    except webhooks.EndpointRefused as refusal:
        form.add_error("url", str(refusal))
        return _list(request, account, form=form)
    return _detail(request, endpoint, made=True, secret=webhook_secrets.reveal(endpoint))


@never_cache
@with_films
def webhook(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Show one endpoint."""
    return _detail(request, _own(account, pk))


@require_POST
@with_managed_account
def webhook_events(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Choose what an endpoint is told of."""
    endpoint = _own(account, pk)
    form = EventsForm(request.POST)
    if not form.is_valid():
        return _detail(request, endpoint, form=form)
    webhooks.choose(endpoint, form.cleaned_data["events"])
    messages.success(request, _("Saved. It holds for what happens from now on."))
    return redirect("webhook", pk)


@require_POST
@with_managed_account
def webhook_switch(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Switch an endpoint on or off, as the button says."""
    endpoint = _own(account, pk)
    if request.POST.get("to") == "on":
        webhooks.switch_on(endpoint)
        messages.success(request, _("The webhook is on. It is told of what happens from now on."))
    else:
        webhooks.switch_off(endpoint)
        messages.success(request, _("The webhook is off. Nothing more is sent there."))
    return redirect("webhook", pk)


@require_POST
@with_managed_account
def webhook_remove(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Remove an endpoint with its log."""
    webhooks.remove(_own(account, pk))
    messages.success(request, _("The webhook is removed."))
    return redirect("webhooks")


@require_POST
@with_managed_account
def webhook_test(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Send a test to an endpoint."""
    webhooks.send_test(_own(account, pk))
    messages.success(request, _("A test is on its way. The log below shows what came of it."))
    return redirect("webhook", pk)


@never_cache
@require_POST
@with_managed_account
def webhook_reveal(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Show an endpoint's secret on this one answer."""
    endpoint = _own(account, pk)
    return _detail(request, endpoint, secret=_shown(request, endpoint))


@never_cache
@require_POST
@with_managed_account
def webhook_rotate(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Change an endpoint's secret and show the new one."""
    endpoint = _own(account, pk)
    return _detail(request, endpoint, secret=_changed(request, endpoint))


@never_cache
@require_POST
@with_managed_account
def secret_reveal(request: HttpRequest, account: Account) -> HttpResponse:
    """Show the account's own secret on this one answer."""
    signer = webhook_secrets.of_account(account)
    return _list(request, account, secret=_shown(request, signer))


@never_cache
@require_POST
@with_managed_account
def secret_rotate(request: HttpRequest, account: Account) -> HttpResponse:
    """Change the account's own secret and show the new one."""
    signer = webhook_secrets.of_account(account)
    return _list(request, account, secret=_changed(request, signer))


@require_POST
@with_managed_account
def delivery_replay(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Send one of the account's messages again."""
    delivery = get_object_or_404(webhooks.log(account).select_related("endpoint"), pk=pk)
    try:
        webhooks.replay(delivery)
    except webhooks.EndpointRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("It is on its way again, under the same id."))
    return redirect("webhook", delivery.endpoint_id) if delivery.endpoint else redirect("webhooks")


def _own(account: Account, pk: int) -> WebhookEndpoint:
    return get_object_or_404(webhooks.of(account), pk=pk)


def _list(request: HttpRequest, account: Account, **shown: Any) -> HttpResponse:
    context = {
        "form": WebhookForm(initial={"events": FIRST_EVENTS}),
        "endpoints": webhooks.of(account),
        "signer": webhook_secrets.of_account(account),
        **_log(request, webhooks.log(account).filter(endpoint=None)),
        "may_manage": may_manage(request, account),
    }
    return render(request, "accounts/webhooks.html", context | shown)


def _detail(request: HttpRequest, endpoint: WebhookEndpoint, **shown: Any) -> HttpResponse:
    account = endpoint.account
    context = {
        "endpoint": endpoint,
        "form": EventsForm(initial={"events": endpoint.events}),
        **_log(request, webhooks.log(account).filter(endpoint=endpoint)),
        "may_manage": may_manage(request, account),
    }
    return render(request, "accounts/webhook.html", context | shown)


def _log(request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> dict[str, Any]:
    """Return a page of the log, and whether it will look different in a moment."""
    page = Paginator(rows, LOG_ROWS).get_page(request.GET.get("page"))
    pending = WebhookDelivery.Status.PENDING
    return {
        "log": page,
        "moving": any(one.status == pending and not one.tried_at for one in page),
        "kept_days": settings.WEBHOOK_KEPT_DAYS,
    }


def _shown(request: HttpRequest, signer: webhook_secrets.Signer) -> str:
    try:
        return webhook_secrets.reveal(signer)
    except sealing.Unreadable as refusal:
        messages.error(request, str(refusal))
        return ""


def _changed(request: HttpRequest, signer: webhook_secrets.Signer) -> str:
    try:
        return webhook_secrets.rotate(signer)
    except webhook_secrets.OverlapRuns as refusal:
        messages.error(request, str(refusal))
        return ""
