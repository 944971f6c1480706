"""Refunds: at once, pending first, or failing later, as the card or a control call says."""

from . import balance, events, money, payments
from .context import Context, fresh
from .errors import ApiError, parameter_missing
from .form import Params
from .listing import listing
from .shapes import REFUND
from .store import Json

SETTLE_SECONDS = 5.0
NEXT_SWITCH = "refunds_begin"

OPEN = ("pending", "requires_action")
REASONS = ("duplicate", "fraudulent", "requested_by_customer")
STATUSES = ("pending", "succeeded", "failed", "canceled")


def create(context: Context, params: Params) -> Json:
    charge = _charge(context, params)
    asked = params.whole("amount")
    amount = _refundable(charge, asked)
    reason = params.choice("reason", *REASONS)
    params.ignore("instructions_email", "refund_application_fee", "reverse_transfer")
    card = payments.card_behind(context, charge["payment_method"])
    pending = card.refunds == "pending" or context.records.switch(NEXT_SWITCH) == "pending"
    refund = _open(context, charge, amount, reason, "pending" if pending else "succeeded")
    refund["metadata"] = params.metadata()
    booked = balance.book(context, "refund", -amount, refund, note="Refund")
    context.records.save(refund | {"balance_transaction": booked["id"]})
    refund = context.need("refund", refund["id"])
    _count(context, charge, amount)
    events.record(context, "refund.created", refund)
    events.record(context, "charge.refunded", charge)
    _later(context, refund, card.refunds)
    return refund


def _charge(context: Context, params: Params) -> Json:
    """The charge to refund, named itself or by its payment intent."""
    identity, intent = params.text("charge"), params.text("payment_intent")
    if identity is None and intent is None:
        raise parameter_missing("payment_intent")
    if intent is not None:
        paid = context.need("payment_intent", intent, "payment_intent", status=400)
        if paid["status"] != "succeeded":
            raise ApiError(f"The payment {intent} has no successful charge to refund.")
        identity = paid["latest_charge"]
    return context.need("charge", str(identity), "charge", status=400)


def _refundable(charge: Json, asked: int | None) -> int:
    left = charge["amount_captured"] - charge["amount_refunded"]
    if charge["status"] != "succeeded":
        raise ApiError("Only a successful charge can be refunded.", param="charge")
    if charge["disputed"]:
        message = f"Charge {charge['id']} has been charged back; it cannot be refunded."
        raise ApiError(message, code="charge_disputed")
    if not left:
        message = f"Charge {charge['id']} has already been refunded."
        raise ApiError(message, code="charge_already_refunded")
    amount = left if asked is None else asked
    if not 0 < amount <= left:
        shown = [money.show(figure, charge["currency"]) for figure in (amount, left)]
        message = f"The refund ({shown[0]}) must be positive and at most what is left ({shown[1]})."
        raise ApiError(message, param="amount")
    return amount


def _open(context: Context, charge: Json, amount: int, reason: str | None, status: str) -> Json:
    return context.records.insert(
        {
            **REFUND,
            "id": fresh("re"),
            "amount": amount,
            "charge": charge["id"],
            "created": context.second,
            "currency": charge["currency"],
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": status,
            **({"pending_reason": "processing"} if status == "pending" else {}),
        }
    )


def _count(context: Context, charge: Json, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    context.records.save(charge)


def _later(context: Context, refund: Json, course: str) -> None:
    action = {"pending": "refund_succeeds", "failing": "refund_fails"}.get(course)
    if action:
        due = context.now + SETTLE_SECONDS
        context.records.schedule(due, action, refund["id"], context.version)


def become(context: Context, identity: str, status: str) -> Json:
    """Moves a refund to another status; failing or canceling gives the money back.

    A refund that failed or was canceled stays so, as with the real one.
    """
    refund = context.need("refund", identity)
    if refund["status"] == status:
        return refund
    if refund["status"] not in (*OPEN, "succeeded"):
        raise ApiError(f"A refund with the status {refund['status']} has ended.", param="status")
    before = {"status": refund["status"]}
    refund.pop("pending_reason", None)
    refund["status"] = status
    if status in ("failed", "canceled"):
        _give_back(context, refund)
    # Whatever the card had in mind for it, this came first.
    context.records.cancel(identity)
    context.records.save(refund)
    events.record(context, "refund.updated", refund, before)
    events.record(context, "charge.refund.updated", refund, before)
    if status == "failed":
        events.record(context, "refund.failed", refund)
    return refund


def _give_back(context: Context, refund: Json) -> None:
    amount = int(refund["amount"])
    booked = balance.book(context, "refund_failure", amount, refund, note="Refund failure")
    refund["failure_balance_transaction"] = booked["id"]
    if refund["status"] == "failed":
        refund["failure_reason"] = "unknown"
    _count(context, context.need("charge", refund["charge"]), -amount)


def update(context: Context, params: Params, identity: str) -> Json:
    refund = context.need("refund", identity, "refund")
    before = {"metadata": refund["metadata"]}
    refund["metadata"] = params.metadata(refund["metadata"])
    context.records.save(refund)
    events.record(context, "refund.updated", refund, before)
    return refund


def cancel(context: Context, _params: Params, identity: str) -> Json:
    refund = context.need("refund", identity, "refund")
    if refund["status"] != "requires_action":
        raise ApiError("Only a refund that requires action can be canceled.")
    return become(context, identity, "canceled")


def show(context: Context, _params: Params, identity: str) -> Json:
    return context.need("refund", identity, "refund")


def index(context: Context, params: Params) -> Json:
    return listing(context, params, "refund", "/v1/refunds", ("charge", "payment_intent"))
