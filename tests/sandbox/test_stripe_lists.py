"""Lists as reconciliation walks them: newest first, by cursor, filtered."""

from typing import Any

import pytest
import stripe

from tests.sandbox import stripe_shop
from tests.sandbox.stripe_shop import DISPUTED, PAYS, Shop, opened

shop = pytest.fixture(stripe_shop.shop)


def customers(shop: Shop, count: int) -> list[str]:
    """Ids of new customers, one second apart, newest first."""
    made = []
    for number in range(count):
        made.append(shop.stripe.v1.customers.create({"name": str(number)}).id)
        shop.clock.advance(1)
    return made[::-1]


def test_a_list_is_newest_first_and_ten_long_unless_asked(shop: Shop) -> None:
    made = customers(shop, 12)
    listed = shop.stripe.v1.customers.list()
    assert (listed.OBJECT_NAME, listed.url, listed.has_more) == ("list", "/v1/customers", True)
    assert [customer.id for customer in listed.data] == made[:10]
    exact = shop.stripe.v1.customers.list({"limit": 12})
    assert (len(exact.data), exact.has_more) == (12, False)


def test_pages_follow_each_other_in_both_directions(shop: Shop) -> None:
    made = customers(shop, 5)
    page = shop.stripe.v1.customers.list({"limit": 2, "starting_after": made[1]})
    assert ([customer.id for customer in page.data], page.has_more) == (made[2:4], True)
    page = shop.stripe.v1.customers.list({"limit": 2, "starting_after": made[3]})
    assert ([customer.id for customer in page.data], page.has_more) == (made[4:], False)
    page = shop.stripe.v1.customers.list({"limit": 2, "ending_before": made[3]})
    assert ([customer.id for customer in page.data], page.has_more) == (made[1:3], True)


def test_the_sdk_walks_all_pages_by_itself(shop: Shop) -> None:
    made = customers(shop, 7)
    pages = shop.stripe.v1.customers.list({"limit": 3})
    assert [customer.id for customer in pages.auto_paging_iter()] == made


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"gte": 1}, slice(0, 3)),
        ({"gt": 1}, slice(0, 2)),
        ({"lte": 1}, slice(2, 4)),
        ({"lt": 1}, slice(3, 4)),
        ({"gte": 1, "lt": 3}, slice(1, 3)),
    ],
)
def test_a_window_of_time_takes_its_bounds_exactly(
    shop: Shop, bounds: dict[str, int], found: slice
) -> None:
    start = int(shop.clock())
    made = customers(shop, 4)
    window: Any = {name: start + second for name, second in bounds.items()}
    listed = shop.stripe.v1.customers.list({"created": window})
    assert [customer.id for customer in listed.data] == made[found]
    exact = shop.stripe.v1.customers.list({"created": start + 1})
    assert [customer.id for customer in exact.data] == made[2:3]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"starting_after": "cus_none"}, "starting_after"),
        ({"ending_before": "cus_none"}, "ending_before"),
        ({"colour": "red"}, "colour"),
        ({"expand": ["data.colour"]}, "expand"),
        ({"expand": ["data.email"]}, "expand"),
        ({"expand": ["data.a.b.c.d"]}, "expand"),
    ],
)
def test_a_wrong_list_request_is_refused(shop: Shop, params: Any, param: str) -> None:
    shop.stripe.v1.customers.create({"email": "ada@example.com"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.stripe.v1.customers.list(params)
    assert refused.value.param == param


def test_both_cursors_at_once_are_refused(shop: Shop) -> None:
    one, two = customers(shop, 2)
    with pytest.raises(stripe.InvalidRequestError, match="not both"):
        shop.stripe.v1.customers.list({"starting_after": one, "ending_before": two})


def test_sessions_are_found_by_customer_status_mail_and_payment(shop: Shop) -> None:
    open_session = shop.checkout()
    done = shop.bought(customer_creation="always")
    sessions = shop.stripe.v1.checkout.sessions
    assert isinstance(done.customer, str)
    assert isinstance(done.payment_intent, str)
    assert [found.id for found in sessions.list({"status": "open"}).data] == [open_session.id]
    filters: tuple[Any, ...] = (
        {"status": "complete"},
        {"customer": done.customer},
        {"payment_intent": done.payment_intent},
        {"customer_details": {"email": "ada@example.com"}},
    )
    for wanted in filters:
        assert [found.id for found in sessions.list(wanted).data] == [done.id]
    assert sessions.list({"customer": "cus_none"}).data == []


def test_expansion_reaches_into_lists(shop: Shop) -> None:
    shop.bought()
    wanted = ["data.line_items", "data.payment_intent.latest_charge"]
    (session,) = shop.stripe.v1.checkout.sessions.list({"expand": wanted}).data
    assert session.line_items is not None
    assert session.line_items.data[0].amount_total == 2500
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    assert isinstance(session.payment_intent.latest_charge, stripe.Charge)
    rows = shop.stripe.v1.balance_transactions.list({"expand": ["data.source"]}).data
    assert [row.source for row in rows] == [session.payment_intent.latest_charge]


def test_an_empty_field_expands_to_nothing(shop: Shop) -> None:
    session = shop.session(shop.checkout(), "payment_intent.latest_charge", "customer")
    assert (session.payment_intent, session.customer) == (None, None)


def test_events_are_filtered_by_type(shop: Shop) -> None:
    shop.bought(DISPUTED)
    events = shop.stripe.v1.events
    (one,) = events.list({"type": "charge.succeeded"}).data
    assert events.retrieve(one.id).to_dict() == one.to_dict()
    two = events.list({"types": ["charge.succeeded", "charge.dispute.created"]}).data
    assert [event.type for event in two] == ["charge.dispute.created", "charge.succeeded"]


def test_the_balance_tells_where_all_money_went(shop: Shop) -> None:
    shop.bought(DISPUTED)
    shop.bought()
    charge = shop.stripe.v1.charges.list().data[0]
    shop.stripe.v1.refunds.create({"charge": charge.id, "amount": 400})
    rows = shop.stripe.v1.balance_transactions.list().data
    assert [(row.type, row.amount, row.net) for row in rows] == [
        ("refund", -400, -400),
        ("charge", 2500, 2397),
        ("adjustment", -2500, -4000),
        ("charge", 2500, 2397),
    ]
    (fee,) = rows[1].fee_details
    assert (fee.amount, fee.type) == (103, "stripe_fee")
    (found,) = shop.stripe.v1.balance_transactions.list({"source": charge.id}).data
    assert found.id == charge.balance_transaction
    assert shop.stripe.v1.balance_transactions.retrieve(found.id).amount == 2500


def test_charges_and_invoices_are_found_by_customer(shop: Shop) -> None:
    session = shop.bought(invoice_creation={"enabled": True})
    shop.bought()
    assert isinstance(session.customer, str)
    (charge,) = shop.stripe.v1.charges.list({"customer": session.customer}).data
    assert charge.payment_intent == session.payment_intent
    (invoice,) = shop.stripe.v1.invoices.list({"customer": session.customer}).data
    assert invoice.id == session.invoice
    (intent,) = shop.stripe.v1.payment_intents.list({"customer": session.customer}).data
    assert intent.id == session.payment_intent


def test_customers_are_changed_found_and_deleted(shop: Shop) -> None:
    saved = shop.saved(PAYS)
    every = shop.stripe.v1.customers
    every.create({"email": "bob@example.com"})
    (found,) = every.list({"email": "ada@example.com"}).data
    assert found.id == saved["customer"]
    changed = every.update(
        found.id,
        {
            "name": "Ada",
            "email": "",
            "metadata": {"account": "1"},
            "invoice_settings": {"default_payment_method": saved["payment_method"]},
        },
    )
    assert (changed.name, changed.email) == ("Ada", None)
    assert changed.invoice_settings is not None
    assert changed.invoice_settings.default_payment_method == saved["payment_method"]
    assert every.retrieve(found.id).to_dict() == changed.to_dict()

    assert every.delete(found.id).deleted
    assert [customer.email for customer in every.list().data] == ["bob@example.com"]
    assert shop.stripe.v1.payment_methods.retrieve(saved["payment_method"]).customer is None
    with pytest.raises(stripe.InvalidRequestError, match="was deleted"):
        shop.checkout(customer=found.id)


def test_everything_is_there_after_a_restart(shop: Shop) -> None:
    session = shop.bought(DISPUTED, invoice_creation={"enabled": True})
    shop.clock.advance(1)
    before = shop.session(session, "line_items", "invoice").to_dict()
    events = shop.happened()
    with opened(shop.settings.data, shop.clock) as restarted:
        assert restarted.session(session, "line_items", "invoice").to_dict() == before
        assert restarted.happened() == events
        assert restarted.stripe.v1.disputes.list().data[0].status == "needs_response"
