"""`expand[]`: putting whole objects where the answer carries their ids, and lists it leaves out."""

from .checkout import line_list
from .context import Context
from .errors import ApiError
from .listing import whole
from .store import Json

DEPTH_MAX = 4

EXPANDABLE = frozenset(
    {
        "balance_transaction",
        "charge",
        "customer",
        "default_payment_method",
        "failure_balance_transaction",
        "invoice",
        "latest_charge",
        "payment_intent",
        "payment_method",
        "product",
        "source",
    }
)


def expand(context: Context, body: Json, paths: list[str]) -> Json:
    """The answer with every path expanded. Raises ApiError for one that leads nowhere."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEPTH_MAX + (steps[0] == "data"):
            raise ApiError(f"Expanding goes at most {DEPTH_MAX} levels deep.", param="expand")
        _walk(context, body, steps, path)
    return body


def _walk(context: Context, body: Json, steps: list[str], path: str) -> None:
    step, *rest = steps
    included = _included(context, body, step)
    if included is not None:
        body[step] = included
    elif step not in body:
        raise ApiError(f"This property cannot be expanded ({path}).", param="expand")
    value = body[step]
    if isinstance(value, str):
        if step not in EXPANDABLE:
            raise ApiError(f"This property cannot be expanded ({path}).", param="expand")
        value = body[step] = context.records.find(value) or value
    for child in value if isinstance(value, list) else [value]:
        if rest and isinstance(child, dict):
            _walk(context, child, rest, path)


def _included(context: Context, body: Json, step: str) -> Json | None:
    """A list that belongs to the object but is answered only when asked for."""
    kind, identity = body.get("object"), str(body.get("id", ""))
    if kind == "checkout.session" and step == "line_items":
        return line_list(context, identity)
    if kind == "charge" and step == "refunds":
        return whole(
            context.records.all("refund", charge=identity), f"/v1/charges/{identity}/refunds"
        )
    if kind == "invoice" and step == "payments":
        return whole([context.records.private(identity)["payment"]], "/v1/invoice_payments")
    return None
