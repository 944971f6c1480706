"""Invoices: one is written for a checkout that asked for it, once it is paid. And the portal."""

from . import customers, events
from .context import Context, fresh
from .errors import parameter_missing
from .form import Params
from .listing import listing, whole
from .shapes import INVOICE, INVOICE_LINE
from .store import Json


def write(context: Context, session: Json, charge: Json, lines: list[Json]) -> Json:
    """The paid invoice for a session, announced from its creation to its payment."""
    identity = fresh("in")
    data = session["invoice_creation"]["invoice_data"]
    number = f"SANDBOX-{len(context.records.all('invoice', limit=100_000)) + 1:04d}"
    totals = session["total_details"]
    invoice = _invoice(context, identity, session, number)
    invoice |= {
        "description": data["description"],
        "footer": data["footer"],
        "metadata": data["metadata"] or {},
        "lines": whole(
            [_line(context, identity, line) for line in lines], f"/v1/invoices/{identity}/lines"
        ),
        "total_taxes": [
            {
                "amount": totals["amount_tax"],
                "tax_behavior": "exclusive",
                "type": "tax_rate_details",
            }
        ]
        if totals["amount_tax"]
        else [],
    }
    context.records.insert(invoice, payment=_payment(context, invoice, charge))
    for name in ("created", "finalized", "paid", "payment_succeeded"):
        events.record(context, f"invoice.{name}", invoice)
    return invoice


def _invoice(context: Context, identity: str, session: Json, number: str) -> Json:
    total = session["amount_total"]
    net = total - session["total_details"]["amount_tax"]
    buyer = session["customer_details"] or {}
    return {
        **INVOICE,
        "id": identity,
        "amount_due": total,
        "amount_paid": total,
        "automatic_tax": session["automatic_tax"] | {"disabled_reason": None},
        "created": context.second,
        "currency": session["currency"],
        "customer": session["customer"],
        "customer_email": buyer.get("email"),
        "customer_name": buyer.get("name"),
        "effective_at": context.second,
        "hosted_invoice_url": context.link(f"/pay/invoices/{identity}"),
        "invoice_pdf": context.link(f"/pay/invoices/{identity}/pdf"),
        "number": number,
        "period_end": context.second,
        "period_start": context.second,
        "status_transitions": {
            "finalized_at": context.second,
            "marked_uncollectible_at": None,
            "paid_at": context.second,
            "voided_at": None,
        },
        "subtotal": session["amount_subtotal"],
        "subtotal_excluding_tax": net,
        "total": total,
        "total_excluding_tax": net,
    }


def _line(context: Context, invoice: str, item: Json) -> Json:
    return {
        **INVOICE_LINE,
        "id": fresh("il"),
        "amount": item["amount_subtotal"],
        "currency": item["currency"],
        "description": item["description"],
        "invoice": invoice,
        "period": {"end": context.second, "start": context.second},
        "pricing": {
            "price_details": {"price": item["price"]["id"], "product": item["price"]["product"]},
            "type": "price_details",
            "unit_amount_decimal": str(item["price"]["unit_amount"]),
        },
        "quantity": item["quantity"],
        "subtotal": item["amount_subtotal"],
    }


def _payment(context: Context, invoice: Json, charge: Json) -> Json:
    return {
        "id": fresh("inpay"),
        "object": "invoice_payment",
        "amount_paid": invoice["total"],
        "amount_requested": invoice["total"],
        "created": context.second,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": charge["payment_intent"], "type": "payment_intent"},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": context.second},
    }


def show(context: Context, _params: Params, identity: str) -> Json:
    return context.need("invoice", identity, "invoice")


def index(context: Context, params: Params) -> Json:
    filters = ("customer", "status", "collection_method")
    return listing(context, params, "invoice", "/v1/invoices", filters)


def open_portal(context: Context, params: Params) -> Json:
    """`POST /v1/billing_portal/sessions`: a page with the customer's cards and invoices."""
    customer = customers.named(context, params)
    if customer is None:
        raise parameter_missing("customer")
    params.ignore("locale", "configuration")
    identity = fresh("bps")
    return context.records.insert(
        {
            "id": identity,
            "object": "billing_portal.session",
            "configuration": "bpc_sandbox",
            "created": context.second,
            "customer": customer["id"],
            "flow": None,
            "livemode": False,
            "locale": None,
            "on_behalf_of": None,
            "return_url": params.text("return_url"),
            "url": context.link(f"/pay/portal/{identity}"),
        }
    )
