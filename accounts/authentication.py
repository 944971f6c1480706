"""How programs prove who they are: `Authorization: Bearer <key>`."""

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import keys
from accounts.models import ApiKey, User


def refusal() -> str:
    """Return what a program without a good key is told."""
    where = f"{settings.PUBLIC_URL}/account/keys"
    return f"Invalid API key. Send 'Authorization: Bearer <key>' with a key from {where}."


class BearerAuthentication(BaseAuthentication):
    """Turns a bearer key into `request.user` and `request.auth` (an ApiKey)."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        """Return the key and its maker. Raises AuthenticationFailed for anything else."""
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        key = keys.find(secret.decode("latin-1")) if scheme.lower() == b"bearer" else None
        if key is None:
            raise AuthenticationFailed(refusal())
        return key.created_by, key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  DRF's signature
        """Name the scheme, which makes the answer 401."""
        return "Bearer"


def key_of(request: Request) -> ApiKey:
    """Return the key that the request came with."""
    assert isinstance(request.auth, ApiKey)
    return request.auth
