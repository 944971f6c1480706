"""Disputes and early fraud warnings: what a customer's bank does after a payment."""

from . import balance, events, money
from .context import Context, fresh
from .errors import ApiError
from .form import Params
from .listing import listing
from .shapes import DISPUTE
from .store import Json

ANSWER_WITHIN_SECONDS = 7 * 24 * 3600

ENDED = ("won", "lost", "warning_closed", "prevented")
STATUSES = (
    *ENDED,
    "needs_response",
    "under_review",
    "warning_needs_response",
    "warning_under_review",
)


def open_dispute(
    context: Context,
    charge: Json,
    amount: int | None = None,
    reason: str = "fraudulent",
    inquiry: bool = False,
) -> Json:
    """The bank takes the money back; an inquiry only asks, and moves none."""
    _disputable(charge)
    status = "warning_needs_response" if inquiry else "needs_response"
    dispute = _dispute(context, charge, amount or int(charge["amount"]), reason, status)
    # An inquiry leaves the charge as it is: it can still be refunded, which is what ends most.
    if not inquiry:
        charge["disputed"] = True
        context.records.save(charge)
    events.record(context, "charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(context, dispute)
    return dispute


def _disputable(charge: Json) -> None:
    if charge["status"] != "succeeded":
        raise ApiError("Only a successful charge can be disputed.", param="charge")
    if charge["disputed"]:
        raise ApiError(f"Charge {charge['id']} is disputed already.", param="charge")


def _dispute(context: Context, charge: Json, amount: int, reason: str, status: str) -> Json:
    inquiry = status.startswith("warning")
    return context.records.insert(
        {
            **DISPUTE,
            "id": fresh("du"),
            "amount": amount,
            "charge": charge["id"],
            "created": context.second,
            "currency": charge["currency"],
            "evidence_details": {
                "due_by": context.second + ANSWER_WITHIN_SECONDS,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "is_charge_refundable": inquiry,
            "payment_intent": charge["payment_intent"],
            "payment_method_details": {
                "card": {
                    "brand": "visa",
                    "case_type": "inquiry" if inquiry else "chargeback",
                    "network": "visa",
                    "network_reason_code": "10.4",
                },
                "type": "card",
            },
            "reason": reason,
            "status": status,
        }
    )


def _withdraw(context: Context, dispute: Json) -> None:
    note = f"Chargeback withdrawal for {dispute['charge']}"
    amount = -int(dispute["amount"])
    booked = balance.book(context, "dispute", amount, dispute, money.DISPUTE_FEE, note)
    dispute["balance_transactions"].append(booked)
    context.records.save(dispute)
    events.record(context, "charge.dispute.funds_withdrawn", dispute)


def _reinstate(context: Context, dispute: Json) -> None:
    note = f"Chargeback reversal for {dispute['charge']}"
    booked = balance.book(context, "dispute_reversal", int(dispute["amount"]), dispute, 0, note)
    dispute["balance_transactions"].append(booked)
    context.records.save(dispute)
    events.record(context, "charge.dispute.funds_reinstated", dispute)


def become(context: Context, identity: str, status: str) -> Json:
    """Moves a dispute on; `won` brings the money back, a warning that grows up takes it.

    Raises ApiError for a dispute that has ended: a bank's decision stands.
    """
    dispute = context.need("dispute", identity, "dispute")
    if dispute["status"] in ENDED:
        raise ApiError(f"The dispute has ended: {dispute['status']}.", param="status")
    before = {"status": dispute["status"]}
    grown = before["status"].startswith("warning") and not status.startswith("warning")
    dispute["status"] = status
    context.records.save(dispute)
    if grown:
        _grow_up(context, dispute)
    name = "charge.dispute.closed" if status in ENDED else "charge.dispute.updated"
    events.record(context, name, dispute, None if status in ENDED else before)
    if status == "won":
        _reinstate(context, dispute)
    return dispute


def _grow_up(context: Context, dispute: Json) -> None:
    context.records.save(context.need("charge", dispute["charge"]) | {"disputed": True})
    dispute["is_charge_refundable"] = False
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    _withdraw(context, dispute)


def warn(context: Context, charge: Json, fraud_type: str = "unauthorized_use_of_card") -> Json:
    """The issuer suspects fraud; no money moves."""
    warning = context.records.insert(
        {
            "id": fresh("issfr"),
            "object": "radar.early_fraud_warning",
            "actionable": not charge["refunded"] and not charge["disputed"],
            "charge": charge["id"],
            "created": context.second,
            "fraud_type": fraud_type,
            "livemode": False,
            "payment_intent": charge["payment_intent"],
        }
    )
    events.record(context, "radar.early_fraud_warning.created", warning)
    return warning


def update(context: Context, params: Params, identity: str) -> Json:
    """Takes evidence and metadata; sending evidence puts the dispute under review."""
    dispute = context.need("dispute", identity, "dispute")
    dispute["metadata"] = params.metadata(dispute["metadata"])
    dispute["evidence"] |= params.mapping("evidence")
    if params.flag("submit"):
        dispute["evidence_details"] |= {"has_evidence": True, "submission_count": 1}
        context.records.save(dispute)
        warning = dispute["status"].startswith("warning")
        return become(context, identity, "warning_under_review" if warning else "under_review")
    context.records.save(dispute)
    events.record(context, "charge.dispute.updated", dispute)
    return dispute


def close(context: Context, _params: Params, identity: str) -> Json:
    """The seller gives in: lost."""
    return become(context, identity, "lost")


def show(context: Context, _params: Params, identity: str) -> Json:
    return context.need("dispute", identity, "dispute")


def index(context: Context, params: Params) -> Json:
    return listing(context, params, "dispute", "/v1/disputes", ("charge", "payment_intent"))


def show_warning(context: Context, _params: Params, identity: str) -> Json:
    return context.need("radar.early_fraud_warning", identity, "early_fraud_warning")


def warnings(context: Context, params: Params) -> Json:
    kind, url = "radar.early_fraud_warning", "/v1/radar/early_fraud_warnings"
    return listing(context, params, kind, url, ("charge", "payment_intent"))
