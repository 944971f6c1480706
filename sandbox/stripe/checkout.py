"""Checkout sessions as the API makes and shows them; `paying` is what a buyer does with one."""

from . import customers, money, paying
from .context import Context, fresh
from .errors import ApiError, parameter_invalid, parameter_missing
from .form import Params
from .listing import listing
from .shapes import PRICE, SESSION
from .store import Json

LINES_MAX = 100
QUANTITY_MAX = 999_999
REFERENCE_MAX = 200
URL_MAX = 5000

EXPIRES_EARLIEST_SECONDS = 30 * 60
EXPIRES_LATEST_SECONDS = 24 * 3600
# Clocks differ a little between the two sides of a request.
CLOCK_SLACK_SECONDS = 60

# What changes how the real page looks or what else it asks; nothing that changes the money.
IGNORED = (
    "adaptive_pricing",
    "allow_promotion_codes",
    "billing_address_collection",
    "branding_settings",
    "consent_collection",
    "name_collection",
    "origin_context",
    "wallet_options",
    "custom_fields",
    "custom_text",
    "payment_method_collection",
    "payment_method_options",
    "payment_method_types",
    "phone_number_collection",
    "saved_payment_method_options",
    "submit_type",
    "tax_id_collection",
)


def create(context: Context, params: Params) -> Json:
    """A session in mode `payment` on the hosted page."""
    _refuse_other_modes(params)
    buyer = _buyer(context, params)
    taxed = _taxed(params, buyer)
    lines = [_line(context, item, taxed) for item in params.items("line_items")]
    session = SESSION | _totals(lines) | _options(params)
    session |= {
        "id": fresh("cs_test", 58),
        "created": context.second,
        "customer": buyer and buyer["id"],
        "customer_email": params.text("customer_email"),
        "customer_details": _details(buyer, params.text("customer_email")),
        "expires_at": _expiry(context, params),
    }
    session["automatic_tax"] = session["automatic_tax"] | (
        {"enabled": True, "liability": {"type": "self"}, "provider": "stripe", "status": "complete"}
        if taxed
        else {}
    )
    session["url"] = context.link(f"/pay/{session['id']}")
    context.records.schedule(session["expires_at"], "expire", session["id"], context.version)
    return context.records.insert(
        session, lines=lines, payment=_payment(params), version=context.version
    )


def _refuse_other_modes(params: Params) -> None:
    params.need("mode")
    params.choice("mode", "payment")
    params.choice("ui_mode", "hosted_page")
    params.need("success_url")
    if not params.inside("line_items").tree:
        raise parameter_missing("line_items")
    if len(params.inside("line_items").tree) > LINES_MAX:
        raise parameter_invalid("line_items", f"At most {LINES_MAX} line items.")


def _buyer(context: Context, params: Params) -> Json | None:
    if "customer" in params and "customer_email" in params:
        message = "Send customer or customer_email, not both."
        raise ApiError(message, param="customer_email")
    if "customer" in params and "customer_creation" in params:
        message = "customer_creation goes only without a customer."
        raise ApiError(message, param="customer_creation")
    return customers.named(context, params)


def _taxed(params: Params, buyer: Json | None) -> bool:
    """Whether tax is added. Raises ApiError when nothing says where the customer is."""
    update = params.inside("customer_update")
    told = {name: update.choice(name, "auto", "never") for name in ("address", "name", "shipping")}
    enabled = params.inside("automatic_tax").flag("enabled")
    if enabled and buyer and not buyer["address"] and told["address"] != "auto":
        message = (
            "Automatic tax needs the customer's address:"
            " store one, or send customer_update[address]=auto."
        )
        raise ApiError(message, code="customer_tax_location_invalid", param="automatic_tax")
    return enabled


def _line(context: Context, item: Params, taxed: bool) -> Json:
    item.ignore("adjustable_quantity", "tax_rates")
    if "price" in item:
        raise ApiError("The sandbox keeps no prices: send price_data.", param=item.name("price"))
    price = _price(context, item.inside("price_data"))
    quantity = item.whole("quantity")
    if quantity is None:
        raise parameter_missing(item.name("quantity"))
    if not 0 < quantity <= QUANTITY_MAX:
        raise parameter_invalid(item.name("quantity"), "The quantity must be at least 1.")
    subtotal = price["unit_amount"] * quantity
    included = price["tax_behavior"] == "inclusive"
    taxing = money.inclusive_tax if included else money.exclusive_tax
    tax = taxing(subtotal) if taxed else 0
    return {
        "id": fresh("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": subtotal,
        "amount_tax": tax,
        "amount_total": subtotal if included else subtotal + tax,
        "currency": price["currency"],
        "description": context.need("product", price["product"])["name"],
        "metadata": item.metadata(),
        "price": price,
        "quantity": quantity,
    }


def _price(context: Context, data: Params) -> Json:
    """An unlisted price with an unlisted product, as `price_data` makes them."""
    amount = data.whole("unit_amount")
    if amount is None:
        raise parameter_missing(data.name("unit_amount"))
    if amount < 0:
        raise parameter_invalid(data.name("unit_amount"), "The amount must not be negative.")
    behaviour = data.choice("tax_behavior", "inclusive", "exclusive", "unspecified")
    return PRICE | {
        "id": fresh("price"),
        "created": context.second,
        "currency": money.currency(data.need("currency"), data.name("currency")),
        "product": _product(context, data.inside("product_data"))["id"],
        "tax_behavior": behaviour or "unspecified",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def _product(context: Context, data: Params) -> Json:
    data.ignore("tax_code", "unit_label")
    return context.records.insert(
        {
            "id": fresh("prod", 14),
            "object": "product",
            "active": False,
            "created": context.second,
            "description": data.text("description"),
            "images": data.texts("images"),
            "livemode": False,
            "metadata": data.metadata(),
            "name": data.need("name"),
            "type": "service",
            "updated": context.second,
        }
    )


def _totals(lines: list[Json]) -> Json:
    """The sums over all lines. Raises ApiError for mixed currencies or too small a sum."""
    if len({line["currency"] for line in lines}) > 1:
        raise ApiError("All line items must have one currency.", param="line_items")
    subtotal, tax, total = (
        sum(int(line[name]) for line in lines)
        for name in ("amount_subtotal", "amount_tax", "amount_total")
    )
    return {
        "amount_subtotal": subtotal,
        "amount_total": money.chargeable(total, "line_items") if total else 0,
        "currency": lines[0]["currency"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": tax},
    }


def _options(params: Params) -> Json:
    params.ignore(*IGNORED)
    params.inside("automatic_tax").ignore("liability")
    creation = params.choice("customer_creation", "always", "if_required") or "if_required"
    currency = params.text("currency")
    if currency:
        money.currency(currency)
    return {
        "cancel_url": _url(params, "cancel_url"),
        "client_reference_id": params.text("client_reference_id", longest=REFERENCE_MAX),
        "customer_creation": None if "customer" in params else creation,
        "invoice_creation": _invoicing(params.inside("invoice_creation")),
        "locale": params.text("locale"),
        "metadata": params.metadata(),
        "success_url": _url(params, "success_url"),
    }


def _url(params: Params, name: str) -> str | None:
    url = params.text(name, longest=URL_MAX)
    if url is not None and not url.startswith(("http://", "https://")):
        raise ApiError(f"Not a valid URL: {url}", code="url_invalid", param=name)
    return url


def _invoicing(asked: Params) -> Json:
    data = asked.inside("invoice_data")
    data.ignore("account_tax_ids", "custom_fields", "issuer", "rendering_options")
    return {
        "enabled": asked.flag("enabled"),
        "invoice_data": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": data.text("description"),
            "footer": data.text("footer"),
            "issuer": None,
            "metadata": data.metadata(),
            "rendering_options": None,
        },
    }


def _payment(params: Params) -> Json:
    """What the payment intent is to be made with, once the buyer pays."""
    data = params.inside("payment_intent_data")
    data.ignore("capture_method", "statement_descriptor", "statement_descriptor_suffix")
    return {
        "description": data.text("description"),
        "metadata": data.metadata(),
        "receipt_email": data.text("receipt_email"),
        "setup_future_usage": data.choice("setup_future_usage", "on_session", "off_session"),
    }


def _details(buyer: Json | None, email: str | None) -> Json | None:
    stored = buyer or {"email": None, "name": None}
    known = stored["email"] or email
    return paying.buyer_details(known, stored["name"]) if known else None


def _expiry(context: Context, params: Params) -> int:
    asked = params.whole("expires_at")
    if asked is None:
        return context.second + EXPIRES_LATEST_SECONDS
    earliest = context.second + EXPIRES_EARLIEST_SECONDS - CLOCK_SLACK_SECONDS
    latest = context.second + EXPIRES_LATEST_SECONDS + CLOCK_SLACK_SECONDS
    if not earliest <= asked <= latest:
        message = "expires_at must lie between 30 minutes and 24 hours from now."
        raise ApiError(message, param="expires_at")
    return asked


def update(context: Context, params: Params, identity: str) -> Json:
    session = context.need("checkout.session", identity, "session")
    session["metadata"] = params.metadata(session["metadata"])
    return context.records.save(session)


def expire(context: Context, _params: Params, identity: str) -> Json:
    session = context.need("checkout.session", identity, "session")
    if session["status"] != "open":
        raise ApiError(f"Only an open session can be expired; this one is {session['status']}.")
    return paying.expire(context, session)


def show(context: Context, _params: Params, identity: str) -> Json:
    return context.need("checkout.session", identity, "session")


def index(context: Context, params: Params) -> Json:
    filters = ("customer", "payment_intent", "status", "subscription", "payment_link")
    email = params.inside("customer_details").text("email")
    fixed = {"customer_details.email": [email]} if email else {}
    return listing(context, params, "checkout.session", "/v1/checkout/sessions", filters, fixed)


def lines(context: Context, params: Params, identity: str) -> Json:
    """The session's line items; there are never so many that a second page is needed."""
    context.need("checkout.session", identity, "session")
    params.ignore("limit", "starting_after", "ending_before")
    return line_list(context, identity)


def line_list(context: Context, identity: str) -> Json:
    return {
        "object": "list",
        "data": context.records.private(identity)["lines"],
        "has_more": False,
        "url": f"/v1/checkout/sessions/{identity}/line_items",
    }
