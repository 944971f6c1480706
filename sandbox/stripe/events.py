"""Events: one is recorded for everything that happens, together with its webhook delivery."""

import json

from .context import Context, fresh
from .errors import no_such
from .form import Params
from .listing import listing
from .store import Json

HELD = "held"
WAITING = "waiting"
DELIVERED = "delivered"
FAILED = "failed"

HOLD_SWITCH = "hold"


def record(context: Context, name: str, about: Json, previous: Json | None = None) -> Json:
    """Stores the event with a snapshot of the object, and its delivery beside it.

    `previous` holds the old values of the fields that changed, for an `.updated` event.
    """
    # A copy: the object goes on changing in this very transaction, its snapshot must not.
    data: Json = {"object": json.loads(json.dumps(about))}
    data |= {"previous_attributes": previous} if previous else {}
    event = context.records.insert(
        {
            "id": fresh("evt"),
            "object": "event",
            "account": None,
            "api_version": context.version,
            "context": None,
            "created": context.second,
            "data": data,
            "livemode": False,
            "pending_webhooks": 1 if context.settings.stripe_webhook_url else 0,
            "request": {"id": context.request_id, "idempotency_key": context.idempotency_key},
            "type": name,
        }
    )
    if context.settings.stripe_webhook_url:
        held = context.records.switch(HOLD_SWITCH)
        _enqueue(context, str(event["id"]), HELD if held else WAITING)
    return event


def deliver(context: Context, identity: str) -> None:
    """Has the event posted now: the delivery that was held back, or one more."""
    context.need("event", identity)
    # A held one is let go in place of adding another, so that releasing the rest sends it no more.
    freed = context.records.connection.execute(
        "UPDATE deliveries SET state = 'waiting', due = ? WHERE event = ? AND state = 'held'",
        (context.now, identity),
    )
    if not freed.rowcount:
        _enqueue(context, identity, WAITING)


def release(context: Context) -> None:
    """Lets every held delivery go, the oldest first."""
    context.records.connection.execute(
        "UPDATE deliveries SET state = 'waiting', due = ? WHERE state = 'held'", (context.now,)
    )


def _enqueue(context: Context, identity: str, state: str) -> None:
    context.records.connection.execute(
        "INSERT INTO deliveries (id, event, state, due) VALUES (?, ?, ?, ?)",
        (fresh("whd"), identity, state, context.now),
    )


def show(context: Context, _params: Params, identity: str) -> Json:
    return context.need("event", identity)


def index(context: Context, params: Params) -> Json:
    wanted = params.texts("types")
    params.ignore("delivery_success")
    return listing(
        context, params, "event", "/v1/events", ("type",), {"type": wanted} if wanted else {}
    )


def deliveries(context: Context, params: Params) -> Json:
    """Every delivery, newest first, as plain rows: not a Stripe object."""
    rows = context.records.connection.execute(
        "SELECT deliveries.*, json_extract(objects.body, '$.type') AS type"
        " FROM deliveries JOIN objects ON objects.id = deliveries.event"
        " WHERE ? IN ('', event) AND ? IN ('', state) ORDER BY deliveries.rowid DESC LIMIT ?",
        (params.text("event", ""), params.text("state", ""), params.whole("limit") or 100),
    )
    return {"object": "list", "data": [dict(row) for row in rows], "has_more": False}


def payload(context: Context, identity: str) -> str:
    """The body that a webhook carries. Raises ApiError when there is no such event."""
    event = context.records.find(identity, "event")
    if event is None:
        raise no_such("event", identity)
    return json.dumps(event, indent=2)
