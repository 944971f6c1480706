"""The way into pages that belong to an account."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.models import Account, Membership, User
from accounts.opening import account_of

# Who decides how programs reach an account, and what they are told.
MANAGERS = (Membership.Role.OWNER, Membership.Role.ADMIN)
# Who makes programs, and so keys for them.
MAKERS = (*MANAGERS, Membership.Role.MEMBER)

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


def with_account(
    view: Callable[Concatenate[HttpRequest, Account, P], R],
) -> Callable[Concatenate[HttpRequest, P], R]:
    """Ask for sign-in, then call the view with the account as its second argument."""

    @login_required
    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return view(request, account_of(user_of(request)), *args, **kwargs)

    return inner


def user_of(request: HttpRequest) -> User:
    """Return the signed-in user of a page behind with_account."""
    assert isinstance(request.user, User)
    return request.user


def may_manage(request: HttpRequest, account: Account) -> bool:
    """Tell whether the signed-in user is one of the account's MANAGERS."""
    places = account.memberships.filter(user=user_of(request), role__in=MANAGERS)
    return places.exists()


def may_make_keys(request: HttpRequest, account: Account) -> bool:
    """Tell whether the signed-in user is one of the account's MAKERS."""
    places = account.memberships.filter(user=user_of(request), role__in=MAKERS)
    return places.exists()


def with_managed_account(
    view: Callable[Concatenate[HttpRequest, Account, P], R],
) -> Callable[Concatenate[HttpRequest, P], R]:
    """Do as with_account, and turn those away who may only look."""

    @with_account
    @wraps(view)
    def inner(request: HttpRequest, account: Account, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if not may_manage(request, account):
            raise PermissionDenied("Only an owner or an admin of the account may change this.")
        return view(request, account, *args, **kwargs)

    return inner
