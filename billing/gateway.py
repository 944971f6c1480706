"""Stripe itself: one typed client, its calls, and the signature on what it sends us.

Callers fetch outside of any database transaction; a payload is a hint, what is fetched counts.
Source: Stripe's API reference and the official SDK.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

import stripe
from django.conf import settings

logger = logging.getLogger(__name__)

NETWORK_RETRIES_MAX = 2
PAYMENTS_MAX = 100
# Stripe's word for a payment that we gave up ourselves.
GIVEN_UP = "abandoned"
REFUNDS_MAX = 100
PAGE_MAX = 100

T = TypeVar("T")


class InvalidEvent(ValueError):
    """The webhook's body is not an event that Stripe signed for us."""


@dataclass(frozen=True)
class Event:
    """One event as Stripe delivered it."""

    id: str
    type: str
    payload: dict[str, Any]

    @property
    def object_id(self) -> str:
        """The id of what the event is about."""
        return str(self.payload["data"]["object"]["id"])


@dataclass(frozen=True)
class Card:
    """A card that Stripe keeps for a customer: its id, its brand in Stripe's word, its ending."""

    method: str
    brand: str
    last4: str


def client() -> stripe.StripeClient:
    """Return the client of this process for the key and address in the settings."""
    return _client_for(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


@lru_cache(maxsize=4)
def _client_for(key: str, base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=settings.STRIPE_VERSION,
        max_network_retries=NETWORK_RETRIES_MAX,
        base_addresses={"api": base},
    )


def verified(payload: bytes, signature: str) -> Event:
    """Return the event if Stripe signed it within the last 300 seconds. Raises InvalidEvent."""
    try:
        client().construct_event(payload, signature, settings.STRIPE_WEBHOOK_SECRET)
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
    return Event(body["id"], body["type"], body)


def session(session_id: str) -> stripe.checkout.Session:
    """Return a Checkout session with its line items. Raises stripe.StripeError."""
    return client().v1.checkout.sessions.retrieve(session_id, {"expand": ["line_items"]})


def session_of(payment: str) -> stripe.checkout.Session | None:
    """Return the Checkout session that a payment intent belongs to, if any."""
    found = client().v1.checkout.sessions.list({"payment_intent": payment, "limit": 1}).data
    return found[0] if found else None


def payment(payment_id: str) -> stripe.PaymentIntent:
    """Return a payment intent as it stands. Raises stripe.StripeError."""
    return client().v1.payment_intents.retrieve(payment_id)


def payments_of(customer: str, since: datetime) -> list[stripe.PaymentIntent]:
    """Return the newest payment intents that a customer has had since then, failed ones too."""
    created: Any = {"gte": int(since.timestamp())}
    params: Any = {"customer": customer, "created": created, "limit": PAYMENTS_MAX}
    return client().v1.payment_intents.list(params).data


def refused_payment(refusal: stripe.CardError) -> str:
    """Return the id of the payment intent that a card refused to pay."""
    return id_of(refusal.error.payment_intent) if refusal.error else ""


def cancel_payment(payment_id: str) -> stripe.PaymentIntent:
    """Give up a payment that waits for its customer, so that nobody can complete it any more.

    Raises stripe.StripeError, also when it has just succeeded.
    """
    params: Any = {"cancellation_reason": GIVEN_UP}
    return client().v1.payment_intents.cancel(payment_id, params)


def card_of(payment_id: str) -> Card | None:
    """Return the card that a payment was made with, if it was saved. Raises stripe.StripeError."""
    params: Any = {"expand": ["payment_method"]}
    method: Any = client().v1.payment_intents.retrieve(payment_id, params).payment_method
    if method is None or method.customer is None or method.type != "card":
        return None
    return Card(method.id, method.card.brand, method.card.last4)


def receipt_of(payment_id: str) -> str:
    """Return the address of Stripe's receipt for a payment, or "". Raises stripe.StripeError."""
    params: Any = {"expand": ["latest_charge"]}
    charge: Any = client().v1.payment_intents.retrieve(payment_id, params).latest_charge
    return charge.receipt_url or "" if charge else ""


def word_of(metadata: Any, name: str) -> str:
    """Return what we wrote under a name of an object's metadata, or ""."""
    return str(metadata.to_dict().get(name, "")) if metadata else ""


def refund(refund_id: str) -> stripe.Refund:
    """Return a refund as it stands. Raises stripe.StripeError."""
    return client().v1.refunds.retrieve(refund_id)


def refund_payment(
    payment_id: str, cents: int, *, metadata: dict[str, str], key: str
) -> stripe.Refund:
    """Order a refund and return it; Stripe answers the same key with the same refund.

    Raises stripe.StripeError.
    """
    params: Any = {
        "payment_intent": payment_id,
        "amount": cents,
        "reason": "requested_by_customer",
        "metadata": metadata,
    }
    return client().v1.refunds.create(params, {"idempotency_key": key})


def refunds_of(**of: str) -> list[stripe.Refund]:
    """Return the refunds of a `payment_intent` or a `charge`, newest first.

    Raises stripe.StripeError.
    """
    params: Any = {**of, "limit": REFUNDS_MAX}
    return client().v1.refunds.list(params).data


def fraud_warning(warning_id: str) -> stripe.radar.EarlyFraudWarning:
    """Return what a card network suspects about a payment. Raises stripe.StripeError."""
    return client().v1.radar.early_fraud_warnings.retrieve(warning_id)


def dispute(dispute_id: str) -> stripe.Dispute:
    """Return a dispute as it stands, with its movements of money. Raises stripe.StripeError."""
    return client().v1.disputes.retrieve(dispute_id)


def listed(lister: Callable[[Any], Any], since: datetime, limit: int) -> list[Any]:
    """Return what a list method of Stripe's gives since then, page by page, newest first.

    At most `limit` objects are read. Raises stripe.StripeError.
    """
    found = lister({"created": {"gte": int(since.timestamp())}, "limit": PAGE_MAX})
    return list(islice(found.auto_paging_iter(), limit))


def found(fetch: Callable[[str], T], identity: str) -> T | None:
    """Return what Stripe has under an id, or None when it knows of no such thing.

    Raises stripe.StripeError for anything else.
    """
    try:
        return fetch(identity)
    except stripe.InvalidRequestError as error:
        if error.code != "resource_missing":
            raise
        return None


def id_of(reference: Any) -> str:
    """Return the id of something that Stripe gives as an id, as the whole object, or not at all."""
    if reference is None:
        return ""
    return reference if isinstance(reference, str) else str(reference.id)
