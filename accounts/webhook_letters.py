"""Word to a customer whose webhook was switched off by us."""

import logging

from django.utils import timezone

from accounts import letters
from accounts.access import MANAGERS
from accounts.models import WebhookEndpoint

logger = logging.getLogger(__name__)

ROUND_MAX = 200

Reason = WebhookEndpoint.Reason


def tell_due() -> int:
    """Write once about each webhook that was switched off and return how many letters went out.

    A mail server that does not answer is logged, and the next round tries again.
    """
    silent = WebhookEndpoint.objects.filter(
        disabled_reason__in=[Reason.GONE, Reason.FAILING], told_at=None
    )
    return sum(_tell(one) for one in silent.select_related("account").order_by("id")[:ROUND_MAX])


def _tell(endpoint: WebhookEndpoint) -> bool:
    one = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    if one.filter(told_at=None).update(told_at=timezone.now()) != 1:
        return False
    try:
        letters.send(endpoint.account, MANAGERS, "accounts/mail/webhook_off", endpoint=endpoint)
    except OSError:
        logger.exception("Nobody could be told of webhook %s; the next round tries.", endpoint.pk)
        one.update(told_at=None)
        return False
    return True
