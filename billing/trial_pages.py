"""Test mode on the billing page: the button that fills test credit up, and what is closed there."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import with_money
from accounts.models import Account
from accounts.twins import LiveOnly
from billing import money, trial

P = ParamSpec("P")


def with_live_account(
    view: Callable[Concatenate[HttpRequest, Account, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Do as with_money; in test mode say that this is about real money, and do nothing."""

    @with_money
    @wraps(view)
    def inner(
        request: HttpRequest, account: Account, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        if account.is_test:
            return closed(request)
        return view(request, account, *args, **kwargs)

    return inner


def closed(request: HttpRequest) -> HttpResponse:
    """Say that this is about real money, and lead back."""
    messages.error(request, str(LiveOnly()))
    return redirect("billing")


@require_POST
@with_money
def refill(request: HttpRequest, account: Account) -> HttpResponse:
    """Fill the test credit up."""
    try:
        added = trial.refill(account, timezone.now())
    except trial.RefillRefused as refusal:
        messages.info(request, str(refusal))
    else:
        done = _("%(sum)s of test credit was added.") % {"sum": money.display(added)}
        messages.success(request, done)
    return redirect("billing")
