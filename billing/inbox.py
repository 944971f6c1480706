"""The inbox of Stripe's events: kept first, done once, retried by Stripe, replayed by hand.

An event's row is its history; only `done_at` says that it took effect, and that is written in
the same transaction as the effect. An event that fails keeps its error and is answered 500, so
that Stripe delivers it again.
"""

import logging
from collections.abc import Callable

import stripe
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from billing import checkout, clawbacks, gateway, topup
from billing.models import StripeEvent

logger = logging.getLogger(__name__)

ERROR_LENGTH_MAX = 500

Effect = Callable[[], None]


def receive(payload: bytes, signature: str) -> None:
    """Take in one delivery. Raises gateway.InvalidEvent, and whatever makes an event fail."""
    event = gateway.verified(payload, signature)
    kept, _ = StripeEvent.objects.get_or_create(
        pk=event.id, defaults={"type": event.type, "payload": event.payload}
    )
    if kept.done_at is None:
        work_off(kept)


def work_off(kept: StripeEvent) -> bool:
    """Let an event take effect, if it has not; False when it had.

    Raises stripe.StripeError and checkout.PaymentMismatch, after noting them on the event.
    """
    return _take_effect(kept, StripeEvent.objects.filter(pk=kept.pk, done_at=None))


def replay(kept: StripeEvent) -> None:
    """Let an event take effect again: whatever it had booked is not booked twice.

    Raises what work_off raises.
    """
    _take_effect(kept, StripeEvent.objects.filter(pk=kept.pk))


def _take_effect(kept: StripeEvent, wanted: QuerySet[StripeEvent]) -> bool:
    event = gateway.Event(kept.pk, kept.type, kept.payload)
    try:
        effect = _effect_of(event)
        with transaction.atomic():
            if wanted.update(done_at=timezone.now(), error="", tries=F("tries") + 1) != 1:
                return False
            effect()
    except (stripe.StripeError, checkout.PaymentMismatch) as error:
        logger.exception("Stripe event %s (%s) failed.", kept.pk, kept.type)
        StripeEvent.objects.filter(pk=kept.pk).update(
            error=str(error)[:ERROR_LENGTH_MAX], tries=F("tries") + 1
        )
        raise
    return True


def _effect_of(event: gateway.Event) -> Effect:
    """Ask Stripe what the event is about, outside any transaction, and say what to do then."""
    ask = FOLLOWED.get(event.type)
    return ask(event.object_id) if ask else _nothing


def _nothing() -> None:
    """Keep an event that asks nothing of us."""


def _credit(session: str) -> Effect:
    return checkout.crediting(gateway.session(session))


def _fail(session: str) -> Effect:
    return checkout.closing(gateway.session(session), failed=True)


def _expire(session: str) -> Effect:
    return checkout.closing(gateway.session(session), failed=False)


def _top_up(payment: str) -> Effect:
    return topup.following(gateway.payment(payment))


def _refund(refund: str) -> Effect:
    return clawbacks.following_refund(gateway.refund(refund))


def _refunds(charge: str) -> Effect:
    # A backstop: the event carries a sum, and the refunds behind it are asked for.
    return clawbacks.following_refunds(gateway.refunds_of(charge=charge))


def _dispute(dispute: str) -> Effect:
    return clawbacks.following_dispute(gateway.dispute(dispute))


def _warning(warning: str) -> Effect:
    return clawbacks.warning(gateway.fraud_warning(warning))


# What we follow, by the type of the event; any other is kept and asks nothing of us.
FOLLOWED: dict[str, Callable[[str], Effect]] = {
    "checkout.session.completed": _credit,
    "checkout.session.async_payment_succeeded": _credit,
    "checkout.session.async_payment_failed": _fail,
    "checkout.session.expired": _expire,
    "payment_intent.succeeded": _top_up,
    "payment_intent.payment_failed": _top_up,
    "payment_intent.requires_action": _top_up,
    "payment_intent.canceled": _top_up,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refunded": _refunds,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "radar.early_fraud_warning.created": _warning,
}
