"""What happens to a checkout session: paid, paid late, given up, expired.

Every step leaves a session that can be looked at: a decline keeps it open and payable.
"""

from . import customers, events, invoices, payments
from .cards import Card
from .context import Context
from .errors import ApiError
from .store import Json


def pay(context: Context, session: Json, card: Card, email: str, expiry: tuple[int, int]) -> Json:
    """The buyer pays with a test card. Returns the session's payment intent as it then stands.

    Raises ApiError when the session is not open. A zero total needs no card and has no intent.
    """
    if session["status"] != "open":
        raise ApiError(f"This session is {session['status']}.")
    _meet(context, session, email)
    if not session["amount_total"]:
        complete(context, session, "no_payment_required")
        return {"status": "succeeded", "id": None}
    intent = _intent(context, session)
    method = customers.add_card(context, card, email, expiry)
    intent = payments.attempt(context, intent, method, present=True)
    conclude(context, session, intent)
    return intent


def _meet(context: Context, session: Json, email: str) -> None:
    """Notes who pays, and makes a customer where the session needs one."""
    needed = session["invoice_creation"]["enabled"] or session["customer_creation"] == "always"
    payment = context.records.private(session["id"])["payment"]
    if session["customer"] is None and (needed or payment["setup_future_usage"]):
        session["customer"] = customers.open_customer(context, email=email)["id"]
    session["customer_details"] = buyer_details(email, None)
    context.records.save(session)


def buyer_details(email: str | None, name: str | None) -> Json:
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": None,
    }


def _intent(context: Context, session: Json) -> Json:
    """The session's payment intent, made at the first attempt to pay."""
    if session["payment_intent"]:
        return context.need("payment_intent", session["payment_intent"])
    amount, currency = session["amount_total"], session["currency"]
    intent = payments.open_intent(context, amount, currency, session["customer"], session["id"])
    # `payment_intent_data` of the session: what the shop wants to find on the payment.
    intent |= context.records.private(session["id"])["payment"]
    context.records.save(intent)
    context.records.save(session | {"payment_intent": intent["id"]})
    session["payment_intent"] = intent["id"]
    events.record(context, "payment_intent.created", intent)
    return intent


def conclude(context: Context, session: Json, intent: Json) -> None:
    """Completes the session when its payment has gone through or is on its way."""
    if intent["status"] == "succeeded":
        _write_invoice(context, session, intent)
        complete(context, session, "paid")
    elif intent["status"] == "processing":
        complete(context, session, "unpaid")


def complete(context: Context, session: Json, payment_status: str) -> None:
    session |= {"status": "complete", "payment_status": payment_status, "url": None}
    context.records.save(session)
    # The only timer of a session is its expiry.
    context.records.cancel(session["id"])
    events.record(context, "checkout.session.completed", session)


def _write_invoice(context: Context, session: Json, intent: Json) -> None:
    if session["invoice_creation"]["enabled"]:
        charge = context.need("charge", intent["latest_charge"])
        lines = context.records.private(session["id"])["lines"]
        session["invoice"] = invoices.write(context, session, charge, lines)["id"]
        context.records.save(session)


def confirm(context: Context, intent: Json) -> Json:
    """The buyer has confirmed with the bank: the payment goes on. Returns the intent."""
    method = context.need("payment_method", intent["payment_method"])
    intent = payments.attempt(context, intent, method, present=True, confirmed=True)
    session = session_of(context, intent)
    if session and session["status"] == "open":
        conclude(context, session, intent)
    return intent


def refuse(context: Context, intent: Json) -> Json:
    """The buyer has refused at the bank: the payment failed, and may be tried again."""
    method = context.need("payment_method", intent["payment_method"])
    return payments.fail(context, intent, method, payments.REFUSED_BY_CUSTOMER)


def session_of(context: Context, intent: Json) -> Json | None:
    identity = context.records.private(intent["id"])["session"]
    return context.records.find(identity, "checkout.session") if identity else None


def settle(context: Context, identity: str) -> Json:
    """A late payment arrives. Raises ApiError when the intent is not waiting for one."""
    intent = _waiting(context, identity)
    charge = context.need("charge", intent["latest_charge"])
    intent = payments.succeed(context, intent, charge)
    session = session_of(context, intent)
    if session:
        _write_invoice(context, session, intent)
        context.records.save(session | {"payment_status": "paid"})
        paid = context.need("checkout.session", session["id"])
        events.record(context, "checkout.session.async_payment_succeeded", paid)
    return intent


def fail(context: Context, identity: str) -> Json:
    """A late payment fails. Raises ApiError when the intent is not waiting for one."""
    intent = _waiting(context, identity)
    method = context.need("payment_method", intent["payment_method"])
    intent = payments.fail(context, intent, method, "card_declined", "generic_decline")
    session = session_of(context, intent)
    if session:
        events.record(context, "checkout.session.async_payment_failed", session)
    return intent


def _waiting(context: Context, identity: str) -> Json:
    intent = context.need("payment_intent", identity)
    if intent["status"] != "processing":
        raise ApiError(f"The payment {identity} is {intent['status']}, not processing.")
    context.records.cancel(identity)
    return intent


def expire(context: Context, session: Json) -> Json:
    """Closes an open session; a payment that was begun is canceled with it."""
    session |= {"status": "expired", "url": None}
    context.records.save(session)
    context.records.cancel(session["id"])
    if session["payment_intent"]:
        intent = context.need("payment_intent", session["payment_intent"])
        intent |= {"status": "canceled", "cancellation_reason": "automatic"}
        intent["canceled_at"] = context.second
        context.records.save(intent)
        events.record(context, "payment_intent.canceled", intent)
    events.record(context, "checkout.session.expired", session)
    return session
