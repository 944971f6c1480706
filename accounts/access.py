"""The way into pages that belong to an account."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.models import Account, User
from accounts.opening import account_of

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
