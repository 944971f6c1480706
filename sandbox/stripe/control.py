"""The control surface under /v1/_sandbox: what tests and demos do that no seller can."""

from . import disputes, events, paying, refunds
from .context import Context
from .courier import sign
from .errors import ApiError, no_such, parameter_missing
from .form import Params
from .store import Json


def hold(context: Context, params: Params) -> Json:
    """Holds new webhooks back, or stops doing so and lets the held ones go."""
    params.need("held")
    held = params.flag("held")
    context.records.turn(events.HOLD_SWITCH, held)
    if not held:
        events.release(context)
    return {"held": held}


def deliver(context: Context, _params: Params, identity: str) -> Json:
    events.deliver(context, identity)
    return context.need("event", identity)


def signed(context: Context, _params: Params, identity: str) -> Json:
    """The event as a webhook would carry it, for a test that posts it itself."""
    payload = events.payload(context, identity)
    signature = sign(payload, context.settings.stripe_webhook_secret, context.now)
    return {"payload": payload, "signature": signature, "url": context.settings.stripe_webhook_url}


def settle(context: Context, _params: Params, identity: str) -> Json:
    return paying.settle(context, _intent(context, identity))


def fail(context: Context, _params: Params, identity: str) -> Json:
    return paying.fail(context, _intent(context, identity))


def dispute(context: Context, params: Params, identity: str) -> Json:
    return disputes.open_dispute(
        context,
        _charge(context, identity),
        amount=params.whole("amount"),
        reason=params.text("reason") or "fraudulent",
        inquiry=params.flag("inquiry"),
    )


def warn(context: Context, params: Params, identity: str) -> Json:
    fraud_type = params.text("fraud_type") or "unauthorized_use_of_card"
    return disputes.warn(context, _charge(context, identity), fraud_type)


def decide(context: Context, params: Params, identity: str) -> Json:
    status = params.choice("status", *disputes.STATUSES)
    if status is None:
        raise parameter_missing("status")
    return disputes.become(context, identity, status)


def refund(context: Context, params: Params, identity: str) -> Json:
    status = params.choice("status", *refunds.STATUSES)
    if status is None:
        raise parameter_missing("status")
    return refunds.become(context, identity, status)


def next_refunds(context: Context, params: Params) -> Json:
    status = params.choice("status", "succeeded", "pending") or "succeeded"
    context.records.turn(refunds.NEXT_SWITCH, status)
    return {"status": status}


def _intent(context: Context, identity: str) -> str:
    """The payment intent behind an id of a session, an intent or a charge."""
    found = context.records.find(identity)
    if found is None:
        raise no_such("payment", identity)
    intent = identity if found["object"] == "payment_intent" else found.get("payment_intent")
    if not intent:
        raise ApiError(f"{identity} has no payment.")
    return str(intent)


def _charge(context: Context, identity: str) -> Json:
    intent = context.need("payment_intent", _intent(context, identity))
    if not intent["latest_charge"]:
        raise ApiError(f"{identity} has not been charged.")
    return context.need("charge", intent["latest_charge"])
