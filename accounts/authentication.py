"""How programs prove who they are, `Authorization: Bearer <key>`, and what a key lets them do."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import keys, rates
from accounts.keys import NO_QUESTION, Question
from accounts.models import ApiKey, Scope, User
from config import log_context
from config.errors import ApiError
from config.visitors import address_of


def refusal() -> str:
    """Return what a program without a good key is told."""
    return f"Invalid API key. Send 'Authorization: Bearer <key>' with a key from {_keys_page()}."


def admitted(
    request: HttpRequest, beside: Question = NO_QUESTION
) -> tuple[ApiKey, rates.Counts, Any]:
    """Return the key that the request came with, its counts, and the answer to the question.

    Raises AuthenticationFailed for a secret that is no key, or no longer, and ApiError 403 for an
    address that the key does not allow.
    """
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    found = keys.find_counting(secret, beside) if scheme.lower() == "bearer" else None
    if found is None:
        raise AuthenticationFailed(refusal())
    key, counts, answer = found
    log_context.bind(account=key.account_id, key=key.pk)
    if key.is_expired:
        raise AuthenticationFailed(
            f"This API key expired on {key.expires_at:%Y-%m-%d %H:%M} UTC. "
            f"Make a new one at {_keys_page()}."
        )
    if key.allowed_networks and (reason := keys.refuse_reason(key, address_of(request))):
        raise ApiError(403, reason)
    return key, counts, answer


def check_scope(key: ApiKey, view: Any) -> None:
    """Raise ApiError 403 when the key lacks a scope that the view needs.

    A view names the one that it needs as `scope`, None for none. One that forgot asks for all.
    """
    for scope in _needed(view):
        if scope not in key.scopes:
            raise ApiError(
                403,
                f'This key does not have the scope "{scope}". Use a key that has it, or add '
                f"it to this one at {_keys_page()}.",
                {"scope": scope},
            )


class BearerAuthentication(BaseAuthentication):
    """Turns a bearer key into `request.user`, `request.auth` (an ApiKey) and `request.counts`."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        """Return the key and its maker. Raises what `admitted` raises."""
        key, request.counts, _ = admitted(request)  # type: ignore[attr-defined]  # read by accounts.rates
        return key.created_by, key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  DRF's signature
        """Name the scheme, which makes the answer 401."""
        return "Bearer"


class HasScope(BasePermission):
    """Lets a key do what its scopes say."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether a key came, and return True. Raises ApiError 403 for a missing scope."""
        if not isinstance(request.auth, ApiKey):
            return False
        check_scope(request.auth, view)
        return True


def key_of(request: Request) -> ApiKey:
    """Return the key that the request came with."""
    assert isinstance(request.auth, ApiKey)
    return request.auth


def _keys_page() -> str:
    return f"{settings.PUBLIC_URL}/account/keys"


def _needed(view: Any) -> list[str]:
    if not hasattr(view, "scope"):
        return list(Scope.values)
    return [] if view.scope is None else [str(view.scope)]
