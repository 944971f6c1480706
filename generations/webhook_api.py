"""What the API tells of webhooks."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import webhook_secrets
from accounts.authentication import key_of
from accounts.models import Scope
from generations.api import envelope


class WebhookSecretView(APIView):
    """`GET /api/v3/webhook/secret`: what signs for the addresses that `?webhook=` names."""

    scope = Scope.SUBMIT

    def get(self, request: Request) -> Response:
        """Answer the account's secret; a receiver that knows it can trust what it gets."""
        signer = webhook_secrets.of_account(key_of(request).account)
        return envelope({"secret": webhook_secrets.reveal(signer)})
