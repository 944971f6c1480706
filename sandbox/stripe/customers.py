"""Customers and the cards that are saved with them."""

from typing import Any

from . import events
from .cards import BY_TOKEN, Card
from .context import Context, fresh
from .errors import ApiError
from .form import Params
from .listing import listing
from .shapes import BILLING_ADDRESS, CARD, CUSTOMER, METHOD
from .store import Json

EXPIRY_YEARS = 4
SECONDS_PER_YEAR = 31_556_952

FIELDS = ("email", "name", "description", "phone")


def create(context: Context, params: Params) -> Json:
    sent = {name: params.text(name) for name in FIELDS}
    customer = open_customer(context, metadata=params.metadata(), **sent)
    return _change(context, params, customer)


def open_customer(context: Context, **fields: Any) -> Json:
    """A new customer with these fields, announced."""
    customer = context.records.insert(
        {
            **CUSTOMER,
            "id": fresh("cus", 14),
            "created": context.second,
            "invoice_prefix": fresh("", 8).strip("_").upper(),
            **fields,
        }
    )
    events.record(context, "customer.created", customer)
    return customer


def update(context: Context, params: Params, identity: str) -> Json:
    customer = context.need("customer", identity)
    before = dict(customer)
    for name in FIELDS:
        if name in params:
            customer[name] = params.text(name)
    customer["metadata"] = params.metadata(customer["metadata"])
    _change(context, params, customer)
    changed = {name: before[name] for name in before if before[name] != customer.get(name)}
    if changed:
        events.record(context, "customer.updated", customer, changed)
    return customer


def _change(context: Context, params: Params, customer: Json) -> Json:
    """The fields that are brackets: address, and the card to charge by default."""
    params.ignore("preferred_locales", "tax_exempt", "tax", "shipping")
    if "address" in params:
        customer["address"] = params.mapping("address")
    preferred = params.inside("invoice_settings")
    if "default_payment_method" in preferred:
        method = preferred.text("default_payment_method")
        settings = customer["invoice_settings"] | {"default_payment_method": method}
        customer["invoice_settings"] = settings
    return context.records.save(customer)


def delete(context: Context, _params: Params, identity: str) -> Json:
    """Leaves a stump that says so, and frees the customer's cards."""
    events.record(context, "customer.deleted", context.need("customer", identity))
    for method in context.records.all("payment_method", customer=identity):
        context.records.save(method | {"customer": None})
    return context.records.save({"id": identity, "object": "customer", "deleted": True})


def show(context: Context, _params: Params, identity: str) -> Json:
    return context.need("customer", identity)


def index(context: Context, params: Params) -> Json:
    return listing(context, params, "customer", "/v1/customers", ("email",))


def named(context: Context, params: Params) -> Json | None:
    """The customer that the parameter names. Raises ApiError when there is none by that id."""
    identity = params.text("customer")
    if identity is None:
        return None
    customer = context.need("customer", identity, "customer", status=400)
    if customer.get("deleted"):
        raise ApiError(f"The customer {identity} was deleted.", param="customer")
    return customer


def add_card(context: Context, card: Card, email: str | None, expiry: tuple[int, int]) -> Json:
    """A payment method for a test card; `expiry` is month and year. It belongs to nobody yet."""
    body = {
        **METHOD,
        "id": fresh("pm"),
        "billing_details": {
            "address": BILLING_ADDRESS,
            "email": email,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "card": {
            **CARD,
            "exp_month": expiry[0],
            "exp_year": expiry[1],
            "fingerprint": f"sandbox{card.number[-8:]}",
            "last4": card.last4,
        },
        "created": context.second,
    }
    return context.records.insert(body, number=card.number, saved=False)


def card_by_token(context: Context, token: str) -> Json:
    """A payment method for a token such as `pm_card_visa`."""
    year = 1970 + context.second // SECONDS_PER_YEAR + EXPIRY_YEARS
    return add_card(context, BY_TOKEN[token], None, (12, year))


def save_card(context: Context, method: Json, customer: str) -> Json:
    """Attaches the card to the customer, for use off session. Twice is as good as once."""
    # Events are for what changed; a card that is attached already has nothing to tell.
    if method["customer"] != customer:
        method = context.records.save(method | {"customer": customer})
        events.record(context, "payment_method.attached", method)
    context.records.keep(str(method["id"]), saved=True)
    return method


def attach_card(context: Context, params: Params, identity: str) -> Json:
    customer = context.need("customer", params.need("customer"), "customer", status=400)
    known = identity in BY_TOKEN
    method = card_by_token(context, identity) if known else context.need("payment_method", identity)
    if method["customer"] not in (None, customer["id"]):
        raise ApiError("The payment method is attached to another customer already.")
    return save_card(context, method, str(customer["id"]))


def detach_card(context: Context, _params: Params, identity: str) -> Json:
    method = context.need("payment_method", identity)
    if method["customer"] is None:
        raise ApiError("The payment method is not attached to a customer.")
    previous = {"customer": method["customer"]}
    method = context.records.save(method | {"customer": None})
    events.record(context, "payment_method.detached", method, previous)
    return method


def show_card(context: Context, _params: Params, identity: str) -> Json:
    return context.need("payment_method", identity)


def cards(context: Context, params: Params) -> Json:
    """`GET /v1/payment_methods`: of one customer when one is named."""
    filters = ("customer", "type", "allow_redisplay")
    return listing(context, params, "payment_method", "/v1/payment_methods", filters)


def cards_of(context: Context, params: Params, identity: str) -> Json:
    context.need("customer", identity)
    url = f"/v1/customers/{identity}/payment_methods"
    owner = {"customer": [identity]}
    return listing(context, params, "payment_method", url, ("type", "allow_redisplay"), owner)


def card_of(context: Context, params: Params, identity: str, method: str) -> Json:
    params.finish()
    found = context.need("payment_method", method)
    if found["customer"] != identity:
        raise ApiError("That payment method belongs to another customer.", status=404)
    return found
