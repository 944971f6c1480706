"""Charging a card: what a payment intent goes through, and the charge that comes of it.

Events are recorded in the order in which things happen; the caller adds its own after them.
"""

from . import balance, customers, events, money
from .cards import BY_NUMBER, DECLINE_MESSAGES, Card
from .context import Context, fresh
from .shapes import CHARGE, INTENT
from .store import Json

LATE_SECONDS = 5.0

AUTHENTICATION = "authentication_required"
REFUSED_BY_CUSTOMER = "payment_intent_authentication_failure"


def open_intent(
    context: Context, amount: int, currency: str, customer: str | None, session: str = ""
) -> Json:
    """A new payment intent without a card yet. `session` is the checkout it belongs to."""
    identity = fresh("pi")
    body = {
        **INTENT,
        "id": identity,
        "amount": amount,
        "client_secret": fresh(f"{identity}_secret"),
        "created": context.second,
        "currency": currency,
        "customer": customer,
    }
    return context.records.insert(body, session=session, version=context.version)


def card_behind(context: Context, method: str) -> Card:
    return BY_NUMBER[str(context.records.private(method)["number"])]


def attempt(
    context: Context, intent: Json, method: Json, *, present: bool, confirmed: bool = False
) -> Json:
    """Charges the card as it behaves and returns the intent as it then stands.

    `present`: the customer is there and could confirm. `confirmed`: the customer has done so.
    """
    # The intent may come from a request, a page or a timer; only the card decides what happens.
    card = card_behind(context, method["id"])
    saved = bool(context.records.private(method["id"])["saved"])
    asks = card.asks == "always" or (card.asks == "unsaved" and not saved)
    if asks and not confirmed:
        if present:
            return _ask(context, intent, method)
        return fail(context, intent, method, AUTHENTICATION, AUTHENTICATION)
    declined = card.declines or (card.declines_later if saved or not present else "")
    if declined:
        return fail(context, intent, method, "card_declined", declined)
    if card.late:
        return _wait(context, intent, method, card)
    return succeed(context, intent, _charge(context, intent, method, "succeeded"))


def _ask(context: Context, intent: Json, method: Json) -> Json:
    """The bank wants the customer: the next step is a page where a click confirms."""
    back = context.records.private(intent["id"]).get("return_url")
    url = context.link(f"/pay/confirm/{intent['id']}")
    intent |= {
        "status": "requires_action",
        "payment_method": method["id"],
        "next_action": {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": back, "url": url},
        },
    }
    context.records.save(intent)
    events.record(context, "payment_intent.requires_action", intent)
    return intent


def _wait(context: Context, intent: Json, method: Json, card: Card) -> Json:
    charge = _charge(context, intent, method, "pending")
    events.record(context, "charge.pending", charge)
    intent |= {
        "status": "processing",
        "payment_method": method["id"],
        "latest_charge": charge["id"],
        "next_action": None,
    }
    context.records.save(intent)
    events.record(context, "payment_intent.processing", intent)
    context.records.schedule(context.now + LATE_SECONDS, card.late, intent["id"], context.version)
    return intent


def succeed(context: Context, intent: Json, charge: Json) -> Json:
    """The charge has the money: books it, and announces charge and intent."""
    amount = int(charge["amount"])
    booked = balance.book(context, "charge", amount, charge, money.fee(amount))
    charge |= {
        "status": "succeeded",
        "paid": True,
        "captured": True,
        "amount_captured": amount,
        "balance_transaction": booked["id"],
    }
    context.records.save(charge)
    events.record(context, "charge.succeeded", charge)
    intent |= {
        "status": "succeeded",
        "amount_received": amount,
        "last_payment_error": None,
        "latest_charge": charge["id"],
        "next_action": None,
        "payment_method": charge["payment_method"],
    }
    context.records.save(intent)
    events.record(context, "payment_intent.succeeded", intent)
    _remember_card(context, intent)
    # By timer, due at once: the dispute comes after the events of the payment that it is about.
    after = card_behind(context, charge["payment_method"]).after
    if after:
        context.records.schedule(context.now, after, charge["id"], context.version)
    return intent


def _remember_card(context: Context, intent: Json) -> None:
    if intent["setup_future_usage"] and intent["customer"]:
        method = context.need("payment_method", str(intent["payment_method"]))
        customers.save_card(context, method, str(intent["customer"]))


def fail(context: Context, intent: Json, method: Json, code: str, decline: str = "") -> Json:
    """The payment failed: a failed charge, the reason on the intent, and both announced."""
    message = DECLINE_MESSAGES.get(decline, "The payment was not confirmed.")
    charge = _failing_charge(context, intent, method)
    outcome = charge["outcome"] | {"type": "issuer_declined", "reason": decline or code}
    outcome |= {"network_status": "declined_by_network", "seller_message": message}
    charge |= {
        "status": "failed",
        "paid": False,
        "captured": False,
        "failure_code": code,
        "failure_message": message,
        "outcome": outcome,
    }
    context.records.save(charge)
    events.record(context, "charge.failed", charge)
    intent |= {
        # Stripe takes the card off the intent, so that nothing confirms it again by accident.
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "latest_charge": charge["id"],
        "last_payment_error": {
            "charge": charge["id"],
            "code": code,
            **({"decline_code": decline} if decline else {}),
            "doc_url": context.link("/pay"),
            "message": message,
            "payment_method": method,
            "type": "card_error",
        },
    }
    context.records.save(intent)
    events.record(context, "payment_intent.payment_failed", intent)
    return intent


def _failing_charge(context: Context, intent: Json, method: Json) -> Json:
    """The charge that was pending, or a new one for a decline at once."""
    if intent["status"] == "processing":
        return context.need("charge", str(intent["latest_charge"]))
    return _charge(context, intent, method, "failed")


def _charge(context: Context, intent: Json, method: Json, status: str) -> Json:
    identity = fresh("ch")
    billing = {name: method["billing_details"][name] for name in ("address", "email", "name")}
    return context.records.insert(
        {
            **CHARGE,
            "id": identity,
            "amount": intent["amount"],
            "billing_details": billing | {"phone": None, "tax_id": None},
            "created": context.second,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "metadata": intent["metadata"],
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": _details(intent, method),
            "receipt_email": intent["receipt_email"],
            "receipt_url": context.link(f"/pay/receipts/{identity}"),
            "status": status,
        }
    )


def _details(intent: Json, method: Json) -> Json:
    shown = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding")
    card = {name: method["card"][name] for name in (*shown, "last4", "wallet")}
    card |= {"amount_authorized": intent["amount"], "network": "visa", "three_d_secure": None}
    return {"card": card, "type": "card"}
