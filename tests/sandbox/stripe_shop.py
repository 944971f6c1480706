"""A Stripe stand-in in process, with a shop around it: a clock, a buyer, a webhook receiver."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import stripe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from stripe.checkout import Session

from sandbox.clock import ManualClock
from sandbox.settings import Settings
from sandbox.stripe import routes
from tests.sandbox.stripe_transport import InProcessClient, InProcessTransport

HOOK_URL = "http://shop.example/hooks/stripe"
SUCCESS_URL = "http://shop.example/thanks?session={CHECKOUT_SESSION_ID}"
CANCEL_URL = "http://shop.example/billing"

PAYS = "4242424242424242"
DECLINED = "4000000000000002"
DECLINED_LATER = "4000000000000341"
ASKS_ONCE = "4000002500003155"
ASKS_ALWAYS = "4000002760003184"
SETTLES_LATE = "4000000000010001"
FAILS_LATE = "4000000000020000"
DISPUTED = "4000000000000259"


@dataclass
class Receiver:
    """Takes webhooks. Answers `statuses` one after the other, then 200."""

    taken: list[tuple[str, bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    unreachable: bool = False

    async def take(self, request: Request) -> Response:
        if self.unreachable:
            raise httpx.ConnectError("nobody there")
        self.taken.append((request.headers["stripe-signature"], await request.body()))
        return Response(status_code=self.statuses.pop(0) if self.statuses else 200)

    @property
    def transport(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(
            Starlette(routes=[Route("/hooks/stripe", self.take, methods=["POST"])])
        )

    def events(self) -> list[stripe.Event]:
        """What came, as the SDK reads it; a wrong signature raises."""
        return [
            stripe.Webhook.construct_event(body, signature, "whsec_sandbox")
            for signature, body in self.taken
        ]


@dataclass
class Shop:
    """What a test does with the stand-in. `stripe` is the official client."""

    settings: Settings
    clock: ManualClock
    receiver: Receiver
    transport: InProcessTransport

    def __post_init__(self) -> None:
        self.browser = httpx.Client(transport=self.transport, base_url=self.settings.url)
        self.stripe = self.client()

    def client(self, key: str = "sk_test_sandbox", **options: Any) -> stripe.StripeClient:
        return stripe.StripeClient(
            key,
            base_addresses={"api": self.settings.url},
            http_client=InProcessClient(self.transport),
            **{"max_network_retries": 0} | options,
        )

    def control(self, method: str, path: str, /, **params: Any) -> Any:
        answer = self.stripe.raw_request(method, f"/v1/_sandbox/{path}", **params)
        return answer.data

    def work(self) -> Any:
        """Does what is due by the clock, and one round of webhooks."""
        return self.control("post", "work")

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.work()

    def checkout(self, amount: int = 2500, options: Any = None, **params: Any) -> Session:
        """An open session for one line."""
        price = {"currency": "usd", "unit_amount": amount, "product_data": {"name": "Credit"}}
        asked: Any = {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "success_url": SUCCESS_URL,
            "cancel_url": CANCEL_URL,
        } | params
        return self.stripe.v1.checkout.sessions.create(asked, options)

    def fill(self, session: Session, number: str, **fields: str) -> httpx.Response:
        """The buyer fills in the page and presses Pay."""
        entry = {"email": "ada@example.com", "number": number, "expiry": "12/34", "cvc": "123"}
        return self.browser.post(f"/pay/{session.id}", data=entry | fields)

    def bought(self, number: str = PAYS, **params: Any) -> Session:
        """A session that has been through checkout with this card."""
        session = self.checkout(**params)
        answer = self.fill(session, number)
        if "/pay/confirm/" in answer.headers.get("location", ""):
            answer = self.browser.post(answer.headers["location"], data={"answer": "confirm"})
        assert answer.status_code == 303, answer.text
        return self.session(session)

    def session(self, session: Session, *expand: str) -> Session:
        return self.stripe.v1.checkout.sessions.retrieve(session.id, {"expand": list(expand)})

    def saved(self, number: str) -> dict[str, str]:
        """A customer with a card saved at checkout, as parameters of a payment intent."""
        session = self.bought(
            number,
            customer_creation="always",
            payment_intent_data={"setup_future_usage": "off_session"},
        )
        assert isinstance(session.customer, str)
        (method,) = self.stripe.v1.customers.payment_methods.list(session.customer).data
        return {"customer": session.customer, "payment_method": method.id}

    def happened(self) -> list[str]:
        """The types of all events, the oldest first."""
        listed = self.stripe.v1.events.list({"limit": 100}).data
        return [str(event.type) for event in reversed(listed)]


@contextmanager
def opened(
    folder: Path, clock: ManualClock | None = None, receiver: Receiver | None = None, **changes: Any
) -> Iterator[Shop]:
    """A stand-in whose state lies in the folder. Its clock starts now: the SDK judges signatures
    by the real time.
    """
    settings = replace(Settings(data=folder, stripe_webhook_url=HOOK_URL), **changes)
    clock = clock or ManualClock(now=time.time())
    receiver = receiver or Receiver()
    app = Starlette(routes=routes(settings, clock, receiver.transport))
    with InProcessTransport(app) as transport:
        yield Shop(settings, clock, receiver, transport)


def shop(tmp_path: Path) -> Iterator[Shop]:
    """The fixture's body: `shop = pytest.fixture(stripe_shop.shop)` in a test file."""
    with opened(tmp_path) as standing:
        yield standing
