"""Profile and API keys."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import keys
from accounts.access import user_of, with_account
from accounts.forms import KeyForm
from accounts.models import Account, ApiKey


@with_account
def profile(request: HttpRequest, account: Account) -> HttpResponse:
    """Show who is signed in and where to change it."""
    return render(request, "accounts/profile.html", {"account": account})


@never_cache
@with_account
def key_list(request: HttpRequest, account: Account) -> HttpResponse:
    """List the keys; a POST makes one and shows its secret on this one answer."""
    form = KeyForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        try:
            _, secret = keys.issue(account, user_of(request), form.cleaned_data["name"])
            form = KeyForm()
        except keys.TooManyKeys as refusal:
            form.add_error("name", str(refusal))
    context = {"form": form, "secret": secret, "keys": keys.active(account), "account": account}
    return render(request, "accounts/keys.html", context)


@require_POST
@with_account
def key_revoke(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Revoke one of the account's keys."""
    key = get_object_or_404(ApiKey, pk=pk, account=account)
    keys.revoke(key)
    messages.success(request, f"The key {key.prefix}… no longer works.")
    return redirect("keys")
