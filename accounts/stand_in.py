"""An operator looks at the site as a customer sees it, and can change nothing there.

The operator's own session goes on and only says as whom it looks, so nothing of the customer's is
touched: no sign-in is noted, no session of theirs begins. Pages are named that may be seen; all
others, and everything that would change or reveal something, are refused.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts import acts
from accounts.access import CHOSEN, TEST_MODE, user_of
from accounts.models import Account, Membership, User

LOOKS_AS = "looks_as"
LIFE = timedelta(minutes=30)
PERMISSION = "accounts.stand_in"
ADMIN = "/admin/"
END = "stand_in_end"
# Of these a GET shows neither a card nor a secret. Receipts are Stripe's pages, and name the card.
SEEN = {
    *("landing", "docs", "docs_api", "guide", "create", "gallery", "recent", "film", "film_file"),
    *("profile", "team", "usage", "usage_csv"),
    *("billing", "statement_csv", "statement_pdf", "keys", "key", "webhooks", "webhook"),
}
ALWAYS = {END, "account_logout"}
REFUSAL = (
    "You look at this site as a customer. You may look, but not change anything, and pages with "
    "cards, secrets or sign-ins stay closed. End it first."
)

GetResponse = Callable[[HttpRequest], HttpResponse]


class StandInRefused(ValueError):
    """Nobody is looked at; the sentence says why."""


class StandInMiddleware:
    """Has pages see the customer as the user while an operator looks as one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Visitors without a session cost nothing here.
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or _is_admin(request):
            return self.get_response(request)
        if (told := request.session.get(LOOKS_AS)) is not None:
            operator, customer = request.user, _customer(request, told)
            if customer is None:
                _forget(request)
            else:
                request.operator = operator  # type: ignore[attr-defined]  # for this request
                request.user = customer
                if not _may_see(request):
                    raise PermissionDenied(REFUSAL)
        return self.get_response(request)


def begin(request: HttpRequest, customer: User, account: Account, reason: str) -> None:
    """Let the signed-in operator look as this member of an account. Raises StandInRefused."""
    operator = user_of(request)
    if customer.is_staff or customer.is_superuser or not customer.is_active:
        raise StandInRefused("Nobody looks as an operator, or as somebody who may not sign in.")
    if not Membership.objects.filter(user=customer, account=account).exists():
        raise StandInRefused(f"{customer} is no member of {account}.")
    acts.note(operator, "looks as a customer", customer, reason, account=account.pk)
    _forget(request)
    request.session[CHOSEN] = str(account.pk)
    until = (timezone.now() + LIFE).isoformat()
    request.session[LOOKS_AS] = {"user": customer.pk, "until": until, "account": str(account.pk)}


@require_POST
@login_required
def end(request: HttpRequest) -> HttpResponse:
    """Look as oneself again; harmless for somebody who does."""
    told, operator = request.session.get(LOOKS_AS), getattr(request, "operator", None)
    if told is None or operator is None:
        return redirect("landing")
    customer = User.objects.get(pk=told["user"])
    with transaction.atomic():
        acts.note(operator, "looks as a customer no longer", customer, "ended by the button")
    _forget(request)
    return redirect("admin:account_story", told["account"])


def operator_of(request: HttpRequest) -> User | None:
    """Return the operator who looks as the request's user, None for the user's own request."""
    operator: User | None = getattr(request, "operator", None)
    return operator


def banner(request: HttpRequest) -> dict[str, Any]:
    """Return for templates `operator`, who looks as the user, or None."""
    return {"operator": operator_of(request)}


def _customer(request: HttpRequest, told: dict[str, Any]) -> User | None:
    """Return whom the operator may look as at this moment, None when that is over."""
    operator = request.user
    if not (operator.is_active and operator.is_staff and operator.has_perm(PERMISSION)):
        return None
    if datetime.fromisoformat(told["until"]) < timezone.now():
        return None
    members = User.objects.filter(is_staff=False, is_superuser=False, is_active=True)
    return members.filter(pk=told["user"], memberships__account=told["account"]).first()


def _may_see(request: HttpRequest) -> bool:
    try:
        name = resolve(request.path_info).url_name
    except Resolver404:
        return True
    return name in ALWAYS or (request.method in {"GET", "HEAD"} and name in SEEN)


def _is_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith(ADMIN)


def _forget(request: HttpRequest) -> None:
    for word in (LOOKS_AS, CHOSEN, TEST_MODE):
        request.session.pop(word, None)
