"""Stripe Checkout: start a purchase, read what Stripe tells us, credit once.

Stripe fulfils by webhook; the return page only makes it quicker. Both call `fulfil`, perhaps
at the same moment, perhaps many times: the unique ledger reference lets one of them through.
No call to Stripe happens inside a database transaction.
"""

import json
import logging
import uuid
from functools import lru_cache
from typing import Any

import stripe
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account
from billing import ledger, money
from billing.models import LedgerAccount, Purchase, StripeEvent, Transfer

logger = logging.getLogger(__name__)

CURRENCY = "usd"
NETWORK_RETRIES_MAX = 2
PAID = {"paid", "no_payment_required"}
# Checkout sessions live a day at Stripe; ours end sooner, so that a stale page cannot be paid.
SESSION_SECONDS = 3600

FULFILLING = {"checkout.session.completed", "checkout.session.async_payment_succeeded"}
CLOSING = {
    "checkout.session.async_payment_failed": Purchase.Status.FAILED,
    "checkout.session.expired": Purchase.Status.EXPIRED,
}


class InvalidEvent(ValueError):
    """The webhook's body is not an event that Stripe signed for us."""


class PaymentMismatch(RuntimeError):
    """What was paid is not what was bought; nothing is credited and the operator must look."""


def start(account: Account, amount_micros: int, *, email: str) -> str:
    """Begin a purchase and return the address of Stripe's payment page.

    Raises stripe.StripeError when Stripe cannot be reached or refuses.
    """
    purchase = Purchase.objects.create(account=account, amount_micros=amount_micros)
    session = _client().v1.checkout.sessions.create(
        params=_session_params(purchase, email),
        options={"idempotency_key": f"purchase:{purchase.pk}"},
    )
    Purchase.objects.filter(pk=purchase.pk).update(session=session.id)
    assert session.url is not None, "a session of mode payment has a page"
    return session.url


def fulfil(session_id: str) -> Purchase | None:
    """Credit the purchase of this Checkout session if it is paid, once.

    Returns the purchase as it stands, or None for a session that is not ours. Raises
    PaymentMismatch and stripe.StripeError.
    """
    if not session_id.startswith("cs_"):
        return None
    return _fulfil(_session(session_id), event=None)


def receive(payload: bytes, signature: str) -> None:
    """Take in one webhook delivery: verify, act, and remember the event with its effect.

    Source: Stripe's webhook guide. Raises InvalidEvent for a body that Stripe did not sign,
    PaymentMismatch and stripe.StripeError; after either, Stripe delivers again.
    """
    event = _verified(payload, signature)
    if StripeEvent.objects.filter(pk=event.pk).exists():
        return
    if event.type in FULFILLING:
        _fulfil(_session(event.payload["data"]["object"]["id"]), event)
    elif event.type in CLOSING:
        _close(event)
    else:
        _remember(event)


def _verified(payload: bytes, signature: str) -> StripeEvent:
    try:
        _client().construct_event(payload, signature, settings.STRIPE_WEBHOOK_SECRET)
    except (ValueError, stripe.SignatureVerificationError) as error:
        raise InvalidEvent(str(error)) from error
    body = json.loads(payload)
    if body.get("api_version") != settings.STRIPE_VERSION:
        # Both sides are pinned together; until they agree we act on what we fetch ourselves.
        logger.error(
            "Stripe event %s has version %s, ours is %s: set the webhook endpoint's version.",
            body["id"],
            body.get("api_version"),
            settings.STRIPE_VERSION,
        )
    return StripeEvent(id=body["id"], type=body["type"], payload=body)


def _fulfil(session: stripe.checkout.Session, event: StripeEvent | None) -> Purchase | None:
    purchase = _purchases(session.client_reference_id).first()
    if purchase is None:
        logger.warning("Checkout session %s belongs to no purchase of ours.", session.id)
    elif session.payment_status in PAID:
        _check_sum(session, purchase)
    with transaction.atomic():
        if event is not None:
            _remember(event)
        if purchase is not None and session.payment_status in PAID:
            _credit(purchase, session)
    if purchase is not None:
        purchase.refresh_from_db()
    return purchase


def _purchases(reference: str | None) -> QuerySet[Purchase]:
    """Find by the reference we gave: the session's id may not have been written down yet."""
    try:
        return Purchase.objects.filter(pk=uuid.UUID(reference or ""))
    except ValueError:
        return Purchase.objects.none()


def _check_sum(session: stripe.checkout.Session, purchase: Purchase) -> None:
    """Compare before crediting: credit is the subtotal, tax is not ours to spend."""
    subtotal = money.from_cents(session.amount_subtotal or 0)
    if subtotal != purchase.amount_micros or session.currency != CURRENCY:
        raise PaymentMismatch(
            f"Session {session.id}: {subtotal} {session.currency} paid for purchase "
            f"{purchase.pk} of {purchase.amount_micros} {CURRENCY}, in micro-units."
        )


def _credit(purchase: Purchase, session: stripe.checkout.Session) -> None:
    payment = _id_of(session.payment_intent) or session.id
    Purchase.objects.filter(pk=purchase.pk).exclude(status=Purchase.Status.PAID).update(
        status=Purchase.Status.PAID, paid_at=timezone.now(), payment_intent=payment
    )
    ledger.deposit(
        purchase.account,
        purchase.amount_micros,
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
        reference=f"purchase:{payment}",
        memo="Credit bought",
    )


def _close(event: StripeEvent) -> None:
    purchases = _purchases(event.payload["data"]["object"].get("client_reference_id"))
    with transaction.atomic():
        _remember(event)
        purchases.filter(status=Purchase.Status.OPEN).update(status=CLOSING[event.type])


def _remember(event: StripeEvent) -> None:
    StripeEvent.objects.bulk_create([event], ignore_conflicts=True)


def _session_params(purchase: Purchase, email: str) -> Any:
    metadata = {"purchase": str(purchase.pk), "account": str(purchase.account_id)}
    return {
        "mode": "payment",
        "client_reference_id": str(purchase.pk),
        "customer_email": email,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "invoice_creation": {"enabled": True},
        "expires_at": int(timezone.now().timestamp()) + SESSION_SECONDS,
        "success_url": f"{settings.PUBLIC_URL}/billing/return?session={{CHECKOUT_SESSION_ID}}",
        "cancel_url": f"{settings.PUBLIC_URL}/billing",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": CURRENCY,
                    "unit_amount": money.whole_cents(purchase.amount_micros),
                    "product_data": {"name": "Gallop credit"},
                },
            }
        ],
    }


def _session(session_id: str) -> stripe.checkout.Session:
    return _client().v1.checkout.sessions.retrieve(session_id, {"expand": ["line_items"]})


def _id_of(reference: Any) -> str | None:
    """Return the id of something that Stripe gives as an id or as the whole object."""
    return reference if reference is None or isinstance(reference, str) else str(reference.id)


def _client() -> stripe.StripeClient:
    return _client_for(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


@lru_cache(maxsize=4)
def _client_for(key: str, base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=settings.STRIPE_VERSION,
        max_network_retries=NETWORK_RETRIES_MAX,
        base_addresses={"api": base},
    )
