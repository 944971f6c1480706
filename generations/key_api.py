"""What the API tells of the key that asks."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import key_of
from generations.api import envelope
from generations.key_facts import key_facts


class KeyView(APIView):
    """`GET /api/v3/key`: what this key is, what it may do, and what is left of its cap."""

    # A key may always know itself.
    scope = None

    def get(self, request: Request) -> Response:
        """Answer name, mode, scopes, expiry, addresses, cap and limits."""
        return envelope(key_facts(key_of(request)))
