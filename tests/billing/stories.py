"""What happens to a payment at Stripe, told event by event, and the books that come of it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from django.db import transaction

from billing import audit, gateway, inbox, ledger, sums
from billing.models import Purchase, StripeEvent, Transfer
from tests.billing.stripe_desk import PAYS, Desk
from tests.cast import Customer

EVENTS_MAX = 100


@dataclass(frozen=True)
class Books:
    """All that an order of events must not change."""

    balance_micros: int
    held_micros: int
    receivable_micros: int
    frozen: bool
    transfers: frozenset[tuple[str, str, int]]

    @classmethod
    def of(cls, customer: Customer) -> "Books":
        book = ledger.book(customer.account)
        rows = Transfer.objects.values_list("kind", "reference", "amount_micros")
        return cls(
            book.balance_micros,
            book.held_micros,
            book.receivable_micros,
            book.frozen,
            frozenset(rows),
        )

    @property
    def sums(self) -> tuple[int, int, int, bool]:
        """Without the transfers: a refund that failed may have left two or none."""
        return (self.balance_micros, self.held_micros, self.receivable_micros, self.frozen)


def buy(desk: Desk, customer: Customer, dollars: str = "25", number: str = PAYS) -> Purchase:
    """Buy credit at Checkout, and let our webhook hear of nothing."""
    session = desk.bought(customer, dollars, number)
    return Purchase.objects.get(session=session)


def paid(desk: Desk, customer: Customer, dollars: str = "25") -> Purchase:
    """Buy credit at Checkout, and have it credited."""
    purchase = buy(desk, customer, dollars)
    deliver(events_of(desk, purchase))
    purchase.refresh_from_db()
    return purchase


def payment_of(desk: Desk, purchase: Purchase) -> str:
    """The payment intent, whether we know of it or not."""
    assert purchase.session is not None
    return gateway.id_of(desk.session(purchase.session).payment_intent)


def dispute(desk: Desk, purchase: Purchase, **params: Any) -> str:
    """Have the buyer's bank dispute the payment; the dispute's id."""
    payment = payment_of(desk, purchase)
    desk.control(f"payments/{payment}/dispute", **params)
    return desk.api.v1.disputes.list({"payment_intent": payment}).data[0].id


def refund(desk: Desk, purchase: Purchase, cents: int) -> str:
    """Give money back in Stripe's dashboard; the refund's id."""
    payment = payment_of(desk, purchase)
    return desk.api.v1.refunds.create({"payment_intent": payment, "amount": cents}).id


def events_of(desk: Desk, purchase: Purchase) -> list[StripeEvent]:
    """Every event about a purchase that we follow, the oldest first, as if just received."""
    payment = payment_of(desk, purchase)
    listed = desk.api.v1.events.list({"limit": EVENTS_MAX}).data
    found = []
    for event in reversed(listed):
        about: dict[str, Any] = event.data.object.to_dict()
        if event.type in inbox.FOLLOWED and payment in {about.get("payment_intent"), about["id"]}:
            body = {"data": {"object": about}}
            found.append(StripeEvent(id=event.id, type=event.type, payload=body))
    return found


def receive(event: StripeEvent) -> None:
    """Take one delivery in, without its signature."""
    kept, _ = StripeEvent.objects.get_or_create(
        pk=event.pk, defaults={"type": event.type, "payload": event.payload}
    )
    if kept.done_at is None:
        inbox.work_off(kept)


def deliver(events: Iterable[StripeEvent]) -> None:
    for event in events:
        receive(event)


@contextmanager
def forgotten() -> Iterator[None]:
    """Undo in our database what the block did, so that one story can be told many times."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def told(customer: Customer, tell: Callable[[], None], known: set[Books]) -> Books:
    """The books after telling, proved unless they are known; then they are as they were before."""
    with forgotten():
        tell()
        books = Books.of(customer)
        assert books in known or faults() == []
    return books


def remember_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask Stripe for each thing once: for tests during which nothing changes there."""
    for name in ("session", "session_of", "payment", "refund", "refunds_of", "dispute"):
        monkeypatch.setattr(gateway, name, cache(getattr(gateway, name)))


def in_transaction(effect: Callable[[], None]) -> Callable[[], None]:
    """The effect as the inbox runs it."""

    def run() -> None:
        with transaction.atomic():
            effect()

    return run


def faults() -> list[str]:
    """What `manage.py audit` would find, but for jobs: there are none here behind the holds."""
    return sums.audit().faults + audit.faults()
