"""Webhook and return page come at the same moment, and more than once: credited once."""

from collections.abc import Callable
from functools import partial

import pytest

from billing import checkout, inbox, money, sums
from billing.models import Purchase, StripeEvent, Transfer
from tests.billing.races import together
from tests.billing.stripe_desk import Desk, post_event, purchase_of
from tests.cast import Customer

COMPLETED = "checkout.session.completed"

pytestmark = pytest.mark.django_db(transaction=True)


def receive(payload: str, signature: str) -> None:
    inbox.receive(payload.encode(), signature)


def test_ten_returns_at_the_same_moment_credit_once(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob)
    answers = together([partial(checkout.fulfil, session)] * 10)
    assert [isinstance(answer, Purchase) for answer in answers] == [True] * 10
    assert bob.balance_micros == money.parse("25")
    assert Transfer.objects.count() == 1
    assert sums.audit().faults == []


def test_ten_deliveries_of_one_event_at_the_same_moment_credit_once(
    bob: Customer, desk: Desk
) -> None:
    delivery = desk.signed(desk.bought(bob), COMPLETED)
    assert together([partial(receive, *delivery)] * 10) == [None] * 10
    assert bob.balance_micros == money.parse("25")
    assert StripeEvent.objects.count() == Transfer.objects.count() == 1
    assert sums.audit().faults == []


def test_the_webhook_and_the_return_page_at_the_same_moment_credit_once(
    bob: Customer, desk: Desk
) -> None:
    session = desk.bought(bob)
    delivery = desk.signed(session, COMPLETED)
    visits: list[Callable[[], int]] = [
        lambda: int(post_event(*delivery).status_code),
        lambda: int(bob.browser.get(f"/billing/return?session={session}").status_code),
    ]
    assert together(visits * 4) == [200, 302] * 4
    assert bob.balance_micros == money.parse("25")
    assert purchase_of(bob.account).status == Purchase.Status.PAID
    assert sums.audit().faults == []


def test_two_purchases_of_one_customer_at_the_same_moment_both_count(
    bob: Customer, desk: Desk
) -> None:
    sessions = [desk.bought(bob, "10"), desk.bought(bob, "15")]
    together([partial(checkout.fulfil, session) for session in sessions * 3])
    assert bob.balance_micros == money.parse("25")
    assert Transfer.objects.count() == 2
    assert sums.audit().faults == []
