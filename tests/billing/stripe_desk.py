"""Stripe's side of the counter, in the sandbox: the buyer's card, the events, the delivery."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import stripe
from django.conf import settings
from django.test import Client
from stripe.checkout import Session

from accounts.models import Account
from billing import checkout, money
from billing.models import Purchase
from tests.cast import Customer

PAYS = "4242424242424242"
DECLINED = "4000000000000002"
SETTLES_LATE = "4000000000010001"
FAILS_LATE = "4000000000020000"
EVENTS_MAX = 100


@dataclass
class Desk:
    """What a test does at Stripe. `api` is the official client, pinned as ours is."""

    url: str
    api: stripe.StripeClient = field(init=False)

    def __post_init__(self) -> None:
        self.api = stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            stripe_version=settings.STRIPE_VERSION,
            base_addresses={"api": self.url},
        )

    def bought(self, customer: Customer, dollars: str = "25", number: str = PAYS) -> str:
        """Start a checkout and fill in its page; the session's id."""
        session = self.started(customer, dollars)
        self.fill(session, number)
        return session

    def started(self, customer: Customer, dollars: str = "25") -> str:
        """Start a checkout; the session's id."""
        url = checkout.start(customer.account, money.parse(dollars), email=customer.user.email)
        return url.rsplit("/", 1)[1]

    def fill(self, session: str, number: str) -> httpx.Response:
        """The buyer types the card's number and presses Pay."""
        entry = {"email": "ada@example.com", "number": number, "expiry": "12/34", "cvc": "123"}
        return httpx.post(f"{self.url}/pay/{session}", data=entry)

    def session(self, session: str) -> Session:
        return self.api.v1.checkout.sessions.retrieve(session)

    def sessions_of(self, purchase: Purchase) -> list[Session]:
        """Every session that Stripe has for this purchase."""
        listed = self.api.v1.checkout.sessions.list({"limit": EVENTS_MAX})
        return [one for one in listed.data if one.client_reference_id == str(purchase.pk)]

    def foreign_session(self, **params: Any) -> Session:
        """A paid session that our code did not start."""
        price = {"currency": "usd", "unit_amount": 2500, "product_data": {"name": "Boots"}}
        asked: Any = {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "success_url": "http://127.0.0.1:9/thanks",
        } | params
        session = self.api.v1.checkout.sessions.create(asked)
        self.fill(session.id, PAYS)
        return session

    def control(self, path: str, /, **params: Any) -> None:
        """Use the sandbox's control surface."""
        self.api.raw_request("post", f"/v1/_sandbox/{path}", **params)

    def signed(self, session: str, name: str) -> tuple[str, str]:
        """The event of this type about the session, as a webhook carries it: body, signature."""
        listed = self.api.v1.events.list({"type": name, "limit": EVENTS_MAX})
        (event,) = [one for one in listed.data if one.data.object["id"] == session]
        answer: Any = self.api.raw_request("get", f"/v1/_sandbox/events/{event.id}/signed").data
        return str(answer["payload"]), str(answer["signature"])

    def deliver(self, session: str, name: str) -> Any:
        """Post the event of this type about the session to our webhook."""
        return post_event(*self.signed(session, name))


def post_event(payload: str, signature: str) -> Any:
    """Post a body to our webhook as Stripe would."""
    return Client().post(
        "/hooks/stripe",
        payload,
        content_type="application/json",
        headers={"Stripe-Signature": signature},
    )


def purchase_of(account: Account) -> Purchase:
    """The account's only purchase, as the database has it now."""
    return Purchase.objects.get(account=account)
