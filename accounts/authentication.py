"""How programs prove who they are, `Authorization: Bearer <key>`, and what a key lets them do."""

from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import keys
from accounts.models import ApiKey, Scope, User
from config.errors import ApiError
from config.visitors import address_of


def refusal() -> str:
    """Return what a program without a good key is told."""
    return f"Invalid API key. Send 'Authorization: Bearer <key>' with a key from {_keys_page()}."


class BearerAuthentication(BaseAuthentication):
    """Turns a bearer key into `request.user`, `request.auth` (an ApiKey) and `request.counts`."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        """Return the key and its maker.

        Raises AuthenticationFailed for a secret that is no key, or no longer, and ApiError 403
        for an address that the key does not allow.
        """
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        bearer = scheme.lower() == b"bearer"
        found = keys.find_counting(secret.decode("latin-1")) if bearer else None
        if found is None:
            raise AuthenticationFailed(refusal())
        key, request.counts = found  # type: ignore[attr-defined]  # read by accounts.rates
        if key.is_expired:
            raise AuthenticationFailed(
                f"This API key expired on {key.expires_at:%Y-%m-%d %H:%M} UTC. "
                f"Make a new one at {_keys_page()}."
            )
        if reason := keys.refuse_reason(key, address_of(request)):
            raise ApiError(403, reason)
        return key.created_by, key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  DRF's signature
        """Name the scheme, which makes the answer 401."""
        return "Bearer"


class HasScope(BasePermission):
    """Lets a key do what its scopes say.

    A view names the one that it needs as `scope`, None for none. One that forgot asks for all.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether a key came, and return True. Raises ApiError 403 for a missing scope."""
        if not isinstance(request.auth, ApiKey):
            return False
        for scope in _needed(view):
            if scope not in request.auth.scopes:
                raise ApiError(
                    403,
                    f'This key does not have the scope "{scope}". Use a key that has it, or add '
                    f"it to this one at {_keys_page()}.",
                    {"scope": scope},
                )
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
