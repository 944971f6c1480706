"""The secrets that sign webhooks, and the signature itself.

Source: https://www.standardwebhooks.com, version v1. While a new secret is being put in place, for
OVERLAP, every message carries two signatures: a receiver with either secret reads it.
"""

import base64
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from standardwebhooks import Webhook

from accounts.models import Account, AccountWebhookSecret, WebhookDelivery, WebhookEndpoint
from config import sealing

MARK = "whsec_"
SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)

Signer = AccountWebhookSecret | WebhookEndpoint


class OverlapRuns(ValueError):
    """The secret was changed lately, and the one before it still signs."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "The secret was changed less than a day ago. "
                "It can be changed again when the one before has stopped signing."
            )
        )


def fresh() -> str:
    """Return a new secret, sealed as it is stored."""
    return sealing.seal(MARK + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())


def of_account(account: Account) -> AccountWebhookSecret:
    """Return what signs for the addresses that single requests name, made on the first call."""
    found = AccountWebhookSecret.objects.filter(account=account).first()
    if found is not None:
        return found
    return AccountWebhookSecret.objects.get_or_create(
        account=account, defaults={"secret": fresh()}
    )[0]


def reveal(signer: Signer) -> str:
    """Return the secret that the customer's receiver needs. Raises sealing.Unreadable."""
    return sealing.unseal(signer.secret)


def rotate(signer: Signer) -> str:
    """Change the secret and return the new one; the old one signs beside it for OVERLAP.

    Raises OverlapRuns: a third secret would silence the one that the receiver may still use.
    """
    now = timezone.now()
    rows: QuerySet[Any] = type(signer).objects.all()
    free = rows.filter(Q(previous_until=None) | Q(previous_until__lte=now), pk=signer.pk)
    changed = free.update(previous=F("secret"), secret=fresh(), previous_until=now + OVERLAP)
    if changed != 1:
        raise OverlapRuns
    signer.refresh_from_db()
    return reveal(signer)


def headers(delivery: WebhookDelivery, now: datetime) -> dict[str, str]:
    """Return the three headers that prove where a message comes from.

    Raises sealing.Unreadable.
    """
    signer: Signer = delivery.endpoint or of_account(delivery.account)
    signatures = [
        Webhook(secret).sign(delivery.message_id, now, delivery.body)
        for secret in _valid(signer, now)
    ]
    return {
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _valid(signer: Signer, now: datetime) -> list[str]:
    """Return the secrets that sign now, the newest first."""
    sealed = [signer.secret]
    if signer.previous_until is not None and now < signer.previous_until:
        sealed.append(signer.previous)
    return [sealing.unseal(one) for one in sealed]
