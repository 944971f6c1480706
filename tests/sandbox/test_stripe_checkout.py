"""Checkout sessions through the official SDK: what they hold, what refuses to be one."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe
from stripe import Charge, Customer, Invoice, PaymentIntent

from tests.sandbox import stripe_shop
from tests.sandbox.stripe_shop import PAYS, Shop

shop = pytest.fixture(stripe_shop.shop)

PRICE: dict[str, Any] = {
    "currency": "usd",
    "unit_amount": 1000,
    "product_data": {"name": "Credit"},
}
LINE: dict[str, Any] = {"price_data": PRICE, "quantity": 3}
UNIT_AMOUNT = "line_items[0][price_data][unit_amount]"


def test_a_new_session_is_open_unpaid_and_leads_to_the_page(shop: Shop) -> None:
    session = shop.checkout(
        client_reference_id="purchase-7",
        metadata={"purchase": "7"},
        customer_email="ada@example.com",
        expires_at=int(shop.clock()) + 3600,
    )
    assert session.id.startswith("cs_test_")
    assert (session.object, session.mode, session.ui_mode) == (
        "checkout.session",
        "payment",
        "hosted_page",
    )
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_subtotal, session.amount_total, session.currency) == (2500, 2500, "usd")
    assert session.url == f"{shop.settings.url}/pay/{session.id}"
    assert session.client_reference_id == "purchase-7"
    assert session.metadata is not None
    assert session.metadata.to_dict() == {"purchase": "7"}
    assert session.customer_details is not None
    assert session.customer_details.email == "ada@example.com"
    assert session.payment_intent is None
    assert session.expires_at == int(shop.clock()) + 3600
    assert shop.session(session).to_dict() == session.to_dict()


def test_line_items_come_by_expansion_and_by_their_own_list(shop: Shop) -> None:
    session = shop.checkout(line_items=[LINE, LINE | {"quantity": 1}])
    assert "line_items" not in session.to_dict()
    expanded = shop.session(session, "line_items").line_items
    assert expanded is not None
    assert [(line.description, line.quantity, line.amount_total) for line in expanded.data] == [
        ("Credit", 3, 3000),
        ("Credit", 1, 1000),
    ]
    listed = shop.stripe.v1.checkout.sessions.line_items.list(session.id)
    assert [line.id for line in listed.data] == [line.id for line in expanded.data]
    assert listed.data[0].price is not None
    assert listed.data[0].price.unit_amount == 1000


def test_a_paid_session_redirects_and_holds_everything_that_came_of_it(shop: Shop) -> None:
    session = shop.checkout(
        payment_intent_data={"metadata": {"purchase": "7"}},
        invoice_creation={"enabled": True},
    )
    answer = shop.fill(session, PAYS)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"http://shop.example/thanks?session={session.id}"

    session = shop.session(
        session, "payment_intent.latest_charge.balance_transaction", "customer", "invoice"
    )
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    intent, invoice = session.payment_intent, session.invoice
    assert isinstance(intent, PaymentIntent)
    assert (intent.status, intent.amount_received) == ("succeeded", 2500)
    assert intent.metadata.to_dict() == {"purchase": "7"}
    charge = intent.latest_charge
    assert isinstance(charge, Charge)
    assert (charge.paid, charge.captured, charge.amount) == (True, True, 2500)
    assert charge.metadata.to_dict() == {"purchase": "7"}
    booked = charge.balance_transaction
    assert isinstance(booked, stripe.BalanceTransaction)
    assert (booked.amount, booked.fee, booked.net, booked.type) == (2500, 103, 2397, "charge")
    assert isinstance(session.customer, Customer)
    assert session.customer.email == "ada@example.com"
    assert isinstance(invoice, Invoice)
    assert (invoice.status, invoice.total, invoice.customer) == ("paid", 2500, session.customer.id)


def test_events_tell_the_payment_in_order(shop: Shop) -> None:
    shop.bought(invoice_creation={"enabled": True})
    assert shop.happened() == [
        "customer.created",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "checkout.session.completed",
    ]


def test_no_customer_is_made_unless_something_needs_one(shop: Shop) -> None:
    assert shop.bought().customer is None
    assert shop.bought(customer_creation="always").customer is not None
    assert shop.bought(invoice_creation={"enabled": True}).customer is not None
    future = {"setup_future_usage": "off_session"}
    assert shop.bought(payment_intent_data=future).customer is not None


def test_a_session_for_a_known_customer_keeps_to_them(shop: Shop) -> None:
    customer = shop.stripe.v1.customers.create({"email": "bob@example.com"})
    session = shop.bought(customer=customer.id, payment_intent_data={"description": "Credit"})
    assert session.customer == customer.id
    assert isinstance(session.payment_intent, str)
    intent = shop.stripe.v1.payment_intents.retrieve(session.payment_intent)
    assert (intent.customer, intent.description) == (customer.id, "Credit")
    assert shop.stripe.v1.customers.payment_methods.list(customer.id).data == []


@pytest.mark.parametrize(
    ("behaviour", "total", "tax"), [("exclusive", 2750, 250), ("inclusive", 2500, 227)]
)
def test_automatic_tax_makes_the_total_differ_from_the_subtotal(
    shop: Shop, behaviour: str, total: int, tax: int
) -> None:
    price = LINE["price_data"] | {"unit_amount": 2500, "tax_behavior": behaviour}
    session = shop.bought(
        automatic_tax={"enabled": True}, line_items=[{"price_data": price, "quantity": 1}]
    )
    assert session.total_details is not None
    assert session.total_details.amount_tax == tax
    assert (session.amount_subtotal, session.amount_total) == (2500, total)
    assert session.automatic_tax.status == "complete"
    assert isinstance(session.payment_intent, str)
    assert shop.stripe.v1.payment_intents.retrieve(session.payment_intent).amount == total


def test_automatic_tax_needs_to_know_where_a_customer_is(shop: Shop) -> None:
    customer = shop.stripe.v1.customers.create({"email": "bob@example.com"})
    taxed: dict[str, Any] = {"customer": customer.id, "automatic_tax": {"enabled": True}}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.checkout(**taxed)
    assert refused.value.code == "customer_tax_location_invalid"
    assert shop.checkout(**taxed, customer_update={"address": "auto"}).status == "open"
    shop.stripe.v1.customers.update(customer.id, {"address": {"country": "DE"}})
    assert shop.checkout(**taxed).status == "open"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"customer_email": "ada@example.com"}, "customer_email"),
        ({"customer_creation": "always"}, "customer_creation"),
    ],
)
def test_a_known_customer_leaves_nothing_to_ask(
    shop: Shop, params: dict[str, Any], param: str
) -> None:
    customer = shop.stripe.v1.customers.create()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.checkout(customer=customer.id, **params)
    assert refused.value.param == param


def test_yen_have_no_cents(shop: Shop) -> None:
    session = shop.checkout(line_items=[LINE | {"price_data": PRICE | {"currency": "JPY"}}])
    assert session.currency == "jpy"
    assert "Pay JPY 3000" in shop.browser.get(f"/pay/{session.id}").text


def test_an_expired_session_cannot_be_paid(shop: Shop) -> None:
    session = shop.checkout()
    expired = shop.stripe.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
    answer = shop.fill(session, PAYS)
    assert answer.status_code == 410
    assert "You were not charged." in answer.text
    assert shop.happened() == ["checkout.session.expired"]
    with pytest.raises(stripe.InvalidRequestError, match="Only an open session"):
        shop.stripe.v1.checkout.sessions.expire(session.id)


def test_a_session_expires_by_the_clock(shop: Shop) -> None:
    session = shop.checkout(expires_at=int(shop.clock()) + 1800)
    shop.later(1799)
    assert shop.session(session).status == "open"
    shop.clock.advance(1)
    assert shop.session(session).status == "expired"
    assert shop.happened() == ["checkout.session.expired"]


def test_expiring_after_a_decline_cancels_the_payment(shop: Shop) -> None:
    session = shop.checkout()
    shop.fill(session, stripe_shop.DECLINED)
    shop.stripe.v1.checkout.sessions.expire(session.id)
    (intent,) = shop.stripe.v1.payment_intents.list().data
    assert (intent.status, intent.cancellation_reason) == ("canceled", "automatic")


def test_paying_a_completed_session_again_charges_nothing_more(shop: Shop) -> None:
    session = shop.bought()
    answer = shop.fill(session, PAYS)
    assert answer.status_code == 303
    assert len(shop.stripe.v1.charges.list().data) == 1
    shop.later(3 * 24 * 3600)
    assert shop.session(session).status == "complete"


def test_pressing_pay_many_times_at_once_charges_once(shop: Shop) -> None:
    session = shop.checkout()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shop.fill(session, PAYS), range(16)))
    assert {answer.headers["location"] for answer in answers} == {
        f"http://shop.example/thanks?session={session.id}"
    }
    assert len(shop.stripe.v1.charges.list().data) == 1
    assert shop.happened().count("checkout.session.completed") == 1


def test_a_session_for_nothing_needs_no_payment(shop: Shop) -> None:
    session = shop.checkout(amount=0)
    answer = shop.browser.post(f"/pay/{session.id}", data={"email": "ada@example.com"})
    assert answer.status_code == 303
    session = shop.session(session)
    assert (session.status, session.payment_status) == ("complete", "no_payment_required")
    assert session.payment_intent is None


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"mode": "subscription"}, "mode"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [LINE | {"quantity": 0}]}, "line_items[0][quantity]"),
        ({"line_items": [{"price_data": LINE["price_data"]}]}, "line_items[0][quantity]"),
        ({"line_items": [{"price": "price_1", "quantity": 1}]}, "line_items[0][price]"),
        ({"line_items": [LINE] * 101}, "line_items"),
        ({"line_items": [LINE | {"price_data": PRICE | {"unit_amount": -1}}]}, UNIT_AMOUNT),
        ({"line_items": [LINE | {"price_data": PRICE | {"unit_amount": ""}}]}, UNIT_AMOUNT),
        ({"line_items": [LINE, LINE | {"price_data": PRICE | {"currency": "eur"}}]}, "line_items"),
        ({"currency": "doge"}, "currency"),
        ({"amount": 49}, "line_items"),
        ({"amount": 100_000_000}, "line_items"),
        ({"metadata": {str(number): "v" for number in range(51)}}, "metadata"),
        ({"success_url": ""}, "success_url"),
        ({"cancel_url": "javascript:alert(1)"}, "cancel_url"),
        ({"expires_at": 1}, "expires_at"),
        ({"customer": "cus_none"}, "customer"),
        ({"colour": "red"}, "colour"),
        ({"payment_intent_data": {"setup": "x"}}, "payment_intent_data[setup]"),
        ({"metadata": {"k" * 41: "v"}}, f"metadata[{'k' * 41}]"),
        ({"client_reference_id": "x" * 201}, "client_reference_id"),
    ],
)
def test_a_request_that_stripe_would_refuse_is_refused(
    shop: Shop, params: dict[str, Any], param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.checkout(**params)
    assert refused.value.http_status == 400
    assert refused.value.param == param
    assert shop.stripe.v1.checkout.sessions.list().data == []


def test_the_metadata_of_a_session_is_merged_and_emptied(shop: Shop) -> None:
    session = shop.checkout(metadata={"a": "1", "b": "2"})
    update = shop.stripe.v1.checkout.sessions.update
    changed = update(session.id, {"metadata": {"b": "", "c": "3"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
    assert shop.session(session).metadata == changed.metadata
    emptied = update(session.id, {"metadata": ""})
    assert emptied.metadata is not None
    assert emptied.metadata.to_dict() == {}
