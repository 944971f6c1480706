"""The way into pages that belong to an account, and what each role may do there.

What a role may do is written here alone: pages ask for one of the groups below.
"""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Membership, Scope, User
from accounts.opening import places_of
from accounts.twins import twin_of
from config import log_context

Role = Membership.Role
EVERYBODY = tuple(Role)
# Who closes an account and hands it over.
OWNERS = (Role.OWNER,)
# Who decides how programs reach an account, and who belongs to it.
MANAGERS = (Role.OWNER, Role.ADMIN)
# Who makes films and sees them, and makes programs, and so keys for them.
MAKERS = (*MANAGERS, Role.MEMBER)
# Who buys credit and reads the books.
PAYERS = (*MANAGERS, Role.BILLING)

# In the session while its pages show the twin.
TEST_MODE = "test_mode"
# In the session: the id of the account that was switched to.
CHOSEN = "account"
MODE_CHANGED = _(
    "You have switched to another account, or test mode on or off, since you opened this page. "
    "So nothing was done yet. Look at where you are now, and press once more."
)
NO_FILMS = "Your role in this account does not include its films and programs."

P = ParamSpec("P")
AccountView = Callable[Concatenate[HttpRequest, Account, P], HttpResponseBase]
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def with_account(view: AccountView[P]) -> View[P]:
    """Ask for sign-in, then call the view with the account as its second argument.

    A page that asks for a part of itself and was opened for another account, or in the other
    mode, is sent for anew; a form that names its account does nothing for another one.
    """

    @login_required
    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        account = account_shown(request)
        log_context.bind(account=account.pk)
        if not _is_meant(account, request.headers.get("X-Mode")):
            return HttpResponse(headers={"HX-Refresh": "true"})
        if request.method == "POST" and not _is_meant(account, request.POST.get("account")):
            messages.error(request, MODE_CHANGED)
            return redirect("profile")
        return view(request, account, *args, **kwargs)

    return inner


def only(roles: Collection[str], refusal: str) -> Callable[[AccountView[P]], View[P]]:
    """Return a decorator that does as with_account, and turns all other roles away.

    The refusal is for the log; the page has words of its own.
    """

    def decorate(view: AccountView[P]) -> View[P]:
        @with_account
        @wraps(view)
        def inner(
            request: HttpRequest, account: Account, /, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            require(request, roles, refusal)
            return view(request, account, *args, **kwargs)

        return inner

    return decorate


def with_managed_account(view: AccountView[P]) -> View[P]:
    """Do as with_account, and turn those away who do not decide about programs and people."""
    return only(MANAGERS, "Only an owner or an admin of the account may change this.")(view)


def with_films(view: AccountView[P]) -> View[P]:
    """Do as with_account, and turn those away who have to do with money alone."""
    return only(MAKERS, NO_FILMS)(view)


def with_money(view: AccountView[P]) -> View[P]:
    """Do as with_account, and turn those away who have nothing to do with money."""
    return only(PAYERS, "Your role in this account does not include its money.")(view)


def account_shown(request: HttpRequest) -> Account:
    """Return the account that the signed-in user's pages show: the twin while in test mode."""
    account = place_shown(request).account
    return twin_of(account) if request.session.get(TEST_MODE) else account


def place_shown(request: HttpRequest) -> Membership:
    """Return the signed-in user's place in the account that is shown."""
    places, chosen = places_shown(request), request.session.get(CHOSEN)
    return next((place for place in places if str(place.account_id) == chosen), places[0])


def places_shown(request: HttpRequest) -> list[Membership]:
    """Return all places of the signed-in user; asked for once a request."""
    if not hasattr(request, "places"):
        request.places = places_of(user_of(request))  # type: ignore[attr-defined]  # for this request
    places: list[Membership] = request.places  # type: ignore[attr-defined]
    return places


def require(request: HttpRequest, roles: Collection[str], refusal: str) -> None:
    """Raise PermissionDenied unless the signed-in user has one of these roles."""
    if place_shown(request).role not in roles:
        raise PermissionDenied(refusal)


def mode_changed(request: HttpRequest, account: Account) -> bool:
    """Tell whether a form was opened in the other mode, or for another account.

    What it asks for may be meant otherwise.
    """
    return not _is_meant(account, request.POST.get("mode"))


def _is_meant(account: Account, named: str | None) -> bool:
    return named is None or named in {account.stamp, account.mode}


def user_of(request: HttpRequest) -> User:
    """Return the signed-in user of a page behind with_account."""
    assert isinstance(request.user, User)
    return request.user


def may_manage(request: HttpRequest, account: Account) -> bool:
    """Tell whether the signed-in user is one of the account's MANAGERS."""
    return _role_in(request, account) in MANAGERS


def may_make_keys(request: HttpRequest, account: Account) -> bool:
    """Tell whether the signed-in user is one of the account's MAKERS."""
    return _role_in(request, account) in MAKERS


def scopes_of(role: str) -> list[str]:
    """Return what a key may do at most that somebody of this role makes."""
    allowed = {
        Scope.SUBMIT: role in MAKERS,
        Scope.READ: role in MAKERS,
        Scope.BILLING: role in MAKERS and role in PAYERS,
    }
    return [scope.value for scope in Scope if allowed[scope]]


def _role_in(request: HttpRequest, account: Account) -> str:
    place = place_shown(request)
    return place.role if place.account_id == account.of_members.pk else ""
