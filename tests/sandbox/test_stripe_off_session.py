"""Charging a saved card without its owner, as an automatic top-up does."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe
from stripe import PaymentIntent

from tests.sandbox import stripe_shop
from tests.sandbox.stripe_shop import (
    ASKS_ALWAYS,
    ASKS_ONCE,
    DECLINED_LATER,
    PAYS,
    SETTLES_LATE,
    Shop,
)

shop = pytest.fixture(stripe_shop.shop)


def top_up(shop: Shop, saved: dict[str, str], **params: Any) -> PaymentIntent:
    asked: Any = {
        "amount": 2000,
        "currency": "usd",
        "confirm": True,
        "off_session": True,
        "metadata": {"top_up": "3"},
    }
    return shop.stripe.v1.payment_intents.create(asked | saved | params)


def refused(shop: Shop, saved: dict[str, str], **params: Any) -> stripe.CardError:
    with pytest.raises(stripe.CardError) as declined:
        top_up(shop, saved, **params)
    return declined.value


def test_checkout_saves_the_card_for_later(shop: Shop) -> None:
    saved = shop.saved(PAYS)
    (method,) = shop.stripe.v1.payment_methods.list({"customer": saved["customer"]}).data
    assert method.id == saved["payment_method"]
    assert method.card is not None
    assert (method.card.last4, method.card.exp_month, method.card.exp_year) == ("4242", 12, 2034)
    assert shop.stripe.v1.payment_methods.retrieve(method.id).customer == saved["customer"]
    assert "payment_method.attached" in shop.happened()


@pytest.mark.parametrize("number", [PAYS, ASKS_ONCE])
def test_a_saved_card_is_charged_without_its_owner(shop: Shop, number: str) -> None:
    intent = top_up(shop, shop.saved(number))
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)
    assert intent.metadata.to_dict() == {"top_up": "3"}
    assert shop.happened()[-3:] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


def test_a_decline_answers_402_with_the_intent_and_is_kept(shop: Shop) -> None:
    error = refused(shop, shop.saved(DECLINED_LATER))
    assert (error.http_status, error.code) == (402, "card_declined")
    assert error.error is not None
    assert error.error.decline_code == "generic_decline"
    assert error.error.payment_intent is not None
    intent = shop.stripe.v1.payment_intents.retrieve(error.error.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == "card_declined"
    assert intent.latest_charge == error.error.charge
    assert shop.happened()[-3:] == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ]


def test_a_bank_that_wants_the_customer_answers_authentication_required(shop: Shop) -> None:
    error = refused(shop, shop.saved(ASKS_ALWAYS))
    assert (error.http_status, error.code) == (402, "authentication_required")
    assert error.error is not None
    assert error.error.payment_method is not None
    assert shop.happened()[-1] == "payment_intent.payment_failed"


def test_the_customer_can_come_and_confirm_it(shop: Shop) -> None:
    saved = shop.saved(ASKS_ALWAYS)
    error = refused(shop, saved)
    assert error.error is not None
    assert error.error.payment_intent is not None
    intent = shop.stripe.v1.payment_intents.confirm(
        error.error.payment_intent.id,
        {"payment_method": saved["payment_method"], "return_url": "http://shop.example/back?a=1"},
    )
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert intent.next_action.redirect_to_url.url is not None
    answer = shop.browser.post(intent.next_action.redirect_to_url.url, data={"answer": "confirm"})
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (query["a"], query["redirect_status"]) == (["1"], ["succeeded"])
    assert query["payment_intent"] == [intent.id]
    assert shop.stripe.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_the_customer_may_also_refuse_it(shop: Shop) -> None:
    intent = top_up(shop, shop.saved(ASKS_ALWAYS), off_session=False)
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert intent.next_action.redirect_to_url.url is not None
    answer = shop.browser.post(intent.next_action.redirect_to_url.url, data={"answer": "refuse"})
    assert "You were not charged." in answer.text
    assert shop.stripe.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_one_may_ask_for_an_error_in_place_of_a_next_step(shop: Shop) -> None:
    error = refused(shop, shop.saved(ASKS_ALWAYS), off_session=False, error_on_requires_action=True)
    assert error.code == "authentication_required"


def test_a_late_card_is_processing_until_it_settles(shop: Shop) -> None:
    customer = shop.stripe.v1.customers.create()
    method = shop.stripe.v1.payment_methods.attach("pm_card_lateSuccess", {"customer": customer.id})
    intent = top_up(shop, {"customer": customer.id, "payment_method": method.id})
    assert intent.status == "processing"
    shop.later(5)
    assert shop.stripe.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_test_token_needs_no_saved_card(shop: Shop) -> None:
    intent = top_up(shop, {"payment_method": "pm_card_visa"})
    assert intent.status == "succeeded"
    assert refused(shop, {"payment_method": "pm_card_chargeDeclined"}).code == "card_declined"


def test_a_card_of_somebody_else_is_not_charged(shop: Shop) -> None:
    saved = shop.saved(PAYS)
    other = shop.stripe.v1.customers.create()
    for params in (
        {"customer": other.id, "payment_method": saved["payment_method"]},
        {"payment_method": saved["payment_method"]},
    ):
        with pytest.raises(stripe.InvalidRequestError) as mistake:
            top_up(shop, params)
        assert mistake.value.param == "payment_method"
    assert len(shop.stripe.v1.charges.list().data) == 1


def test_a_detached_card_is_not_charged(shop: Shop) -> None:
    saved = shop.saved(PAYS)
    shop.stripe.v1.payment_methods.detach(saved["payment_method"])
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        top_up(shop, saved)
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        shop.stripe.v1.payment_methods.detach(saved["payment_method"])


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"amount": 49}, "amount"),
        ({"amount": "ten"}, "amount"),
        ({"amount": 100_000_000}, "amount"),
        ({"currency": "doge"}, "currency"),
        ({"payment_method": "pm_none"}, "payment_method"),
        ({"customer": "cus_none"}, "customer"),
        ({"payment_method": ""}, "payment_method"),
        ({"confirm": False}, "off_session"),
        ({"off_sesion": True}, "off_sesion"),
    ],
)
def test_a_wrong_top_up_is_refused_before_anything_happens(
    shop: Shop, params: dict[str, Any], param: str
) -> None:
    saved = shop.saved(PAYS)
    before = shop.happened()
    with pytest.raises(stripe.InvalidRequestError) as mistake:
        top_up(shop, saved, **params)
    assert mistake.value.param == param
    assert shop.happened() == before


def test_a_card_belongs_to_one_customer(shop: Shop) -> None:
    saved = shop.saved(PAYS)
    other = shop.stripe.v1.customers.create()
    with pytest.raises(stripe.InvalidRequestError, match="another customer"):
        shop.stripe.v1.payment_methods.attach(saved["payment_method"], {"customer": other.id})
    with pytest.raises(stripe.InvalidRequestError, match="another customer"):
        shop.stripe.v1.customers.payment_methods.retrieve(other.id, saved["payment_method"])


def test_a_card_can_be_saved_when_an_intent_is_confirmed(shop: Shop) -> None:
    customer = shop.stripe.v1.customers.create()
    intents = shop.stripe.v1.payment_intents
    intent = intents.create({"amount": 500, "currency": "usd", "customer": customer.id})
    intents.update(intent.id, {"metadata": {"a": "1"}, "description": "Credit"})
    paid = intents.confirm(
        intent.id, {"payment_method": "pm_card_visa", "setup_future_usage": "off_session"}
    )
    assert (paid.description, paid.metadata.to_dict()) == ("Credit", {"a": "1"})
    (method,) = shop.stripe.v1.customers.payment_methods.list(customer.id).data
    assert method.id == paid.payment_method


def test_an_intent_is_made_confirmed_and_canceled_in_steps(shop: Shop) -> None:
    intents = shop.stripe.v1.payment_intents
    intent = intents.create({"amount": 500, "currency": "usd"})
    assert intent.status == "requires_payment_method"
    with pytest.raises(stripe.InvalidRequestError, match="payment method is needed"):
        intents.confirm(intent.id)
    paid = intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"
    for act in (intents.confirm, intents.cancel):
        with pytest.raises(stripe.InvalidRequestError) as mistake:
            act(intent.id)
        assert mistake.value.code == "payment_intent_unexpected_state"
    other = intents.create({"amount": 500, "currency": "usd", "payment_method": "pm_card_visa"})
    assert other.status == "requires_confirmation"
    canceled = intents.cancel(other.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert shop.happened()[-1] == "payment_intent.canceled"


def test_the_intent_of_a_checkout_is_canceled_by_expiring_the_session(shop: Shop) -> None:
    session = shop.checkout()
    shop.fill(session, stripe_shop.DECLINED)
    (intent,) = shop.stripe.v1.payment_intents.list().data
    with pytest.raises(stripe.InvalidRequestError, match="expire the session"):
        shop.stripe.v1.payment_intents.cancel(intent.id)


def test_a_late_session_saves_its_card_when_it_settles(shop: Shop) -> None:
    future = {"setup_future_usage": "off_session"}
    session = shop.bought(SETTLES_LATE, payment_intent_data=future)
    assert isinstance(session.customer, str)
    cards = shop.stripe.v1.customers.payment_methods
    assert cards.list(session.customer).data == []
    shop.later(5)
    (method,) = cards.list(session.customer).data
    assert cards.retrieve(session.customer, method.id).id == method.id
