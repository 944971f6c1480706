"""The payment intent endpoints, as an automatic top-up uses them."""

from . import customers, events, money, payments
from .cards import BY_TOKEN
from .context import Context
from .errors import ApiError, card_error
from .form import Params
from .listing import listing
from .store import Json

CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CONFIRMABLE = ("requires_payment_method", "requires_confirmation")
IGNORED = (
    "automatic_payment_methods",
    "confirmation_method",
    "mandate_data",
    "payment_method_options",
    "payment_method_types",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "use_stripe_sdk",
)


def create(context: Context, params: Params) -> Json:
    """With `confirm`, a payment that fails answers 402; the intent is kept all the same."""
    params.choice("capture_method", "automatic", "automatic_async")
    currency = money.currency(params.need("currency"))
    params.need("amount")
    amount = money.chargeable(params.whole("amount") or 0)
    customer = customers.named(context, params)
    intent = payments.open_intent(context, amount, currency, customer["id"] if customer else None)
    intent |= {
        "description": params.text("description"),
        "metadata": params.metadata(),
        "receipt_email": params.text("receipt_email"),
        "setup_future_usage": params.choice("setup_future_usage", "on_session", "off_session"),
    }
    context.records.save(intent)
    _choose(context, params, intent)
    events.record(context, "payment_intent.created", intent)
    if params.flag("confirm"):
        return _confirm(context, params, intent)
    for name in ("off_session", "return_url", "error_on_requires_action"):
        if name in params:
            raise ApiError(f"{name} goes only with confirm=true.", param=name)
    params.ignore(*IGNORED)
    return intent


def confirm(context: Context, params: Params, identity: str) -> Json:
    intent = context.need("payment_intent", identity, "intent")
    _refuse_unless(intent, CONFIRMABLE, "confirmed")
    _choose(context, params, intent)
    if "setup_future_usage" in params:
        intent["setup_future_usage"] = params.choice(
            "setup_future_usage", "on_session", "off_session"
        )
    return _confirm(context, params, intent)


def _confirm(context: Context, params: Params, intent: Json) -> Json:
    params.ignore(*IGNORED)
    # Besides true, `off_session` may say what for: one_off or recurring.
    away = params.text("off_session") not in (None, "false")
    strict = params.flag("error_on_requires_action")
    context.records.keep(intent["id"], return_url=params.text("return_url"))
    # A declined payment is kept, so nothing may be wrong with the request from here on.
    params.finish()
    if intent["payment_method"] is None:
        message = "A payment method is needed to confirm this payment intent."
        raise ApiError(message, code="payment_intent_unexpected_state", param="payment_method")
    method = context.need("payment_method", intent["payment_method"])
    intent = payments.attempt(context, intent, method, present=not (away or strict))
    if intent["status"] == "requires_payment_method":
        failure = intent["last_payment_error"]
        raise card_error(failure | {"payment_intent": intent})
    return intent


def _choose(context: Context, params: Params, intent: Json) -> None:
    """Takes the card to charge: a saved one of the same customer, or a test token."""
    identity = params.text("payment_method")
    if identity is None:
        return
    if identity in BY_TOKEN:
        method = customers.card_by_token(context, identity)
    else:
        method = context.need("payment_method", identity, "payment_method", status=400)
    # A card that belongs to nobody was just made by a token, or has been detached and is dead.
    owner = method["customer"]
    if owner != intent["customer"] and (owner or context.records.private(method["id"])["saved"]):
        message = "The payment method is not attached to the customer of this payment."
        raise ApiError(message, code="payment_method_customer_mismatch", param="payment_method")
    intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    context.records.save(intent)


def update(context: Context, params: Params, identity: str) -> Json:
    intent = context.need("payment_intent", identity, "intent")
    intent["metadata"] = params.metadata(intent["metadata"])
    if "description" in params:
        intent["description"] = params.text("description")
    return context.records.save(intent)


def cancel(context: Context, params: Params, identity: str) -> Json:
    intent = context.need("payment_intent", identity, "intent")
    reasons = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
    reason = params.choice("cancellation_reason", *reasons)
    _refuse_unless(intent, CANCELABLE, "canceled")
    if context.records.private(identity)["session"]:
        raise ApiError("This payment belongs to a checkout session: expire the session instead.")
    intent |= {"status": "canceled", "cancellation_reason": reason, "next_action": None}
    intent["canceled_at"] = context.second
    context.records.save(intent)
    events.record(context, "payment_intent.canceled", intent)
    return intent


def _refuse_unless(intent: Json, states: tuple[str, ...], verb: str) -> None:
    if intent["status"] not in states:
        raise ApiError(
            f"A payment intent with the status {intent['status']} cannot be {verb}.",
            code="payment_intent_unexpected_state",
            details={"payment_intent": intent},
        )


def show(context: Context, params: Params, identity: str) -> Json:
    params.ignore("client_secret")
    return context.need("payment_intent", identity, "intent")


def index(context: Context, params: Params) -> Json:
    return listing(context, params, "payment_intent", "/v1/payment_intents", ("customer",))


def show_charge(context: Context, _params: Params, identity: str) -> Json:
    return context.need("charge", identity)


def charges(context: Context, params: Params) -> Json:
    return listing(context, params, "charge", "/v1/charges", ("customer", "payment_intent"))
