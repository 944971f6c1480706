"""The pages of the API keys: make one, see what it spends, limit it, change its secret, revoke it.

Owners and admins look after every key; a member sees them all, makes keys and looks after these,
and none of these keys may do more than its maker. The billing role has to do with money alone.
"""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import keys
from accounts.access import (
    MODE_CHANGED,
    may_make_keys,
    may_manage,
    mode_changed,
    place_shown,
    scopes_of,
    user_of,
    with_films,
)
from accounts.models import Account, ApiKey
from billing import caps
from config.limits import tier_of
from generations import key_usage
from generations.key_forms import KeyForm, SecretForm


@never_cache
@with_films
def key_list(request: HttpRequest, account: Account) -> HttpResponse:
    """List the keys; a POST makes one and shows its secret on this one answer."""
    if request.method != "POST":
        return _list(request, account)
    form = KeyForm(request.POST, allowed=scopes_of(place_shown(request).role))
    if mode_changed(request, account):
        form.add_error("name", MODE_CHANGED)
    if not form.is_valid():
        return _list(request, account, form=form)
    try:
        secret = _issue(request, account, form.cleaned_data)
    except keys.TooManyKeys as refusal:
        form.add_error("name", str(refusal))
        return _list(request, account, form=form)
    return _list(request, account, secret=secret)


@never_cache
@with_films
def key_detail(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Show one key; a POST changes its rules."""
    key = _own(account, pk)
    if request.method != "POST":
        return _detail(request, key)
    _require_change(request, key)
    form = KeyForm.of(key, request.POST, _allowed(key))
    if not form.is_valid():
        return _detail(request, key, form=form)
    said = form.cleaned_data
    with transaction.atomic():
        key_usage.set_cap(key, said["cap_micros"], said["cap_period"])
        keys.change_rules(key, said["name"], said["rules"])
    messages.success(request, _("Saved. It holds from the next request on."))
    return redirect("key", pk)


@never_cache
@require_POST
@with_films
def key_secret(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Give a key a new secret and show it on this one answer."""
    key = _own(account, pk)
    _require_change(request, key)
    form = SecretForm(request.POST)
    if not form.is_valid():
        return _detail(request, key, secret_form=form)
    secret = keys.change_secret(key, form.cleaned_data["overlap"])
    return _detail(request, _own(account, pk), secret=secret)


@require_POST
@with_films
def key_secret_end(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Have the old secret work no longer."""
    key = _own(account, pk)
    _require_change(request, key)
    keys.end_previous(key)
    messages.success(request, _("Only the new secret works now."))
    return redirect("key", pk)


@require_POST
@with_films
def key_revoke(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Revoke one of the account's keys."""
    key = get_object_or_404(ApiKey, pk=pk, account=account)
    _require_change(request, key)
    keys.revoke(key)
    words = _("The key %(key)s… no longer works.")
    messages.success(request, words % {"key": key.prefix})
    return redirect("keys")


def _issue(request: HttpRequest, account: Account, said: dict[str, Any]) -> str:
    with transaction.atomic():
        key, secret = keys.issue(account, user_of(request), said["name"], rules=said["rules"])
        key_usage.set_cap(key, said["cap_micros"], said["cap_period"])
    return secret


def _own(account: Account, pk: int) -> ApiKey:
    return get_object_or_404(keys.active(account).select_related("account"), pk=pk)


def _allowed(key: ApiKey) -> list[str]:
    """Return the scopes that the key's maker may give."""
    places = key.account.of_members.memberships.filter(user=key.created_by_id)
    return scopes_of(places.values_list("role", flat=True).first() or "")


def _may_change(request: HttpRequest, key: ApiKey) -> bool:
    if key.created_by_id == user_of(request).pk and may_make_keys(request, key.account):
        return True
    return may_manage(request, key.account)


def _require_change(request: HttpRequest, key: ApiKey) -> None:
    if not _may_change(request, key):
        raise PermissionDenied(_("Only an owner, an admin or who made the key may change it."))


def _list(request: HttpRequest, account: Account, **shown: Any) -> HttpResponse:
    found = list(keys.active(account))
    usage = key_usage.of_keys(found)
    context = {
        "form": KeyForm(allowed=scopes_of(place_shown(request).role)),
        "secret": "",
        "rows": [(key, caps.standing_of(key), usage[key.pk]) for key in found],
        "days": key_usage.DAYS,
        "may_make": may_make_keys(request, account),
        "tier": tier_of(account.paid_micros),
        "tiers": settings.LIMITS,
    }
    return render(request, "accounts/keys.html", context | shown)


def _detail(request: HttpRequest, key: ApiKey, **shown: Any) -> HttpResponse:
    usage = key_usage.of_keys([key])[key.pk]
    context = {
        "key": key,
        "standing": caps.standing_of(key),
        "usage": usage,
        "bars": key_usage.bars(usage),
        "days": key_usage.DAYS,
        "form": KeyForm.of(key, allowed=_allowed(key)),
        "secret_form": SecretForm(),
        "may_change": _may_change(request, key),
    }
    return render(request, "accounts/key.html", context | shown)
