"""Every address of the stand-in and what answers it."""

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.settings import Settings

from . import (
    balance,
    checkout,
    control,
    courier,
    customers,
    disputes,
    events,
    faults,
    intents,
    invoices,
    refunds,
    timers,
)
from .api import Api, Clock, Endpoint
from .context import Context
from .errors import ApiError
from .form import Params
from .store import Database, Json
from .till import Till

ENDPOINTS: tuple[tuple[str, str, Endpoint], ...] = (
    ("POST", "/v1/customers", customers.create),
    ("GET", "/v1/customers", customers.index),
    ("GET", "/v1/customers/{customer}", customers.show),
    ("POST", "/v1/customers/{customer}", customers.update),
    ("DELETE", "/v1/customers/{customer}", customers.delete),
    ("GET", "/v1/customers/{customer}/payment_methods", customers.cards_of),
    ("GET", "/v1/customers/{customer}/payment_methods/{method}", customers.card_of),
    ("GET", "/v1/payment_methods", customers.cards),
    ("GET", "/v1/payment_methods/{method}", customers.show_card),
    ("POST", "/v1/payment_methods/{method}/attach", customers.attach_card),
    ("POST", "/v1/payment_methods/{method}/detach", customers.detach_card),
    ("POST", "/v1/checkout/sessions", checkout.create),
    ("GET", "/v1/checkout/sessions", checkout.index),
    ("GET", "/v1/checkout/sessions/{session}", checkout.show),
    ("POST", "/v1/checkout/sessions/{session}", checkout.update),
    ("GET", "/v1/checkout/sessions/{session}/line_items", checkout.lines),
    ("POST", "/v1/checkout/sessions/{session}/expire", checkout.expire),
    ("POST", "/v1/payment_intents", intents.create),
    ("GET", "/v1/payment_intents", intents.index),
    ("GET", "/v1/payment_intents/{intent}", intents.show),
    ("POST", "/v1/payment_intents/{intent}", intents.update),
    ("POST", "/v1/payment_intents/{intent}/confirm", intents.confirm),
    ("POST", "/v1/payment_intents/{intent}/cancel", intents.cancel),
    ("GET", "/v1/charges", intents.charges),
    ("GET", "/v1/charges/{charge}", intents.show_charge),
    ("POST", "/v1/refunds", refunds.create),
    ("GET", "/v1/refunds", refunds.index),
    ("GET", "/v1/refunds/{refund}", refunds.show),
    ("POST", "/v1/refunds/{refund}", refunds.update),
    ("POST", "/v1/refunds/{refund}/cancel", refunds.cancel),
    ("GET", "/v1/disputes", disputes.index),
    ("GET", "/v1/disputes/{dispute}", disputes.show),
    ("POST", "/v1/disputes/{dispute}", disputes.update),
    ("POST", "/v1/disputes/{dispute}/close", disputes.close),
    ("GET", "/v1/radar/early_fraud_warnings", disputes.warnings),
    ("GET", "/v1/radar/early_fraud_warnings/{warning}", disputes.show_warning),
    ("GET", "/v1/balance_transactions", balance.index),
    ("GET", "/v1/balance_transactions/{transaction}", balance.show),
    ("GET", "/v1/invoices", invoices.index),
    ("GET", "/v1/invoices/{invoice}", invoices.show),
    ("POST", "/v1/billing_portal/sessions", invoices.open_portal),
    ("GET", "/v1/events", events.index),
    ("GET", "/v1/events/{event}", events.show),
    ("POST", "/v1/_sandbox/hold", control.hold),
    ("GET", "/v1/_sandbox/deliveries", events.deliveries),
    ("POST", "/v1/_sandbox/events/{event}/deliver", control.deliver),
    ("GET", "/v1/_sandbox/events/{event}/signed", control.signed),
    ("POST", "/v1/_sandbox/payments/{payment}/settle", control.settle),
    ("POST", "/v1/_sandbox/payments/{payment}/fail", control.fail),
    ("POST", "/v1/_sandbox/payments/{payment}/dispute", control.dispute),
    ("POST", "/v1/_sandbox/payments/{payment}/warn", control.warn),
    ("POST", "/v1/_sandbox/disputes/{dispute}", control.decide),
    ("POST", "/v1/_sandbox/refunds/next", control.next_refunds),
    ("POST", "/v1/_sandbox/refunds/{refund}", control.refund),
    ("POST", "/v1/_sandbox/faults", faults.arrange),
)


def table(
    settings: Settings, clock: Clock, transport: httpx.AsyncBaseTransport | None
) -> list[BaseRoute]:
    database = Database(settings.data)
    api = Api(settings, clock, database)

    async def work(request: Request) -> Response:
        """`POST /v1/_sandbox/work`: the one call that posts webhooks before it answers."""
        rung = timers.run_due(database, settings, clock())
        sent = 0
        if api.lets_in(request):
            sent = await courier.deliver_due(database, settings, clock, transport)
        return api.respond(request, lambda _context, _params: {"timers": rung, "sent": sent}, b"")

    routes = [api.route(*endpoint) for endpoint in ENDPOINTS]
    unknown = [
        api.route(method, "/v1/{rest:path}", _unknown) for method in ("GET", "POST", "DELETE")
    ]
    return [
        *routes,
        Route("/v1/_sandbox/work", work, methods=["POST"]),
        # Behind all others, because the first address that matches answers.
        *unknown,
        *_pages(Till(settings, clock, database)),
    ]


def _unknown(_context: Context, _params: Params, rest: str) -> Json:
    raise ApiError(f"Unrecognized request URL: /v1/{rest}", status=404)


def _pages(till: Till) -> list[BaseRoute]:
    return [
        Route("/pay", till.guide),
        Route("/pay/static/pay.css", till.stylesheet),
        Route("/pay/confirm/{intent}", till.bank),
        Route("/pay/confirm/{intent}", till.answer_bank, methods=["POST"]),
        Route("/pay/invoices/{id}", till.invoice),
        Route("/pay/invoices/{id}/pdf", till.invoice_pdf),
        Route("/pay/receipts/{id}", till.receipt),
        Route("/pay/portal/{id}", till.portal),
        Route("/pay/portal/{id}", till.remove_card, methods=["POST"]),
        Route("/pay/{session}", till.checkout),
        Route("/pay/{session}", till.pay, methods=["POST"]),
    ]
