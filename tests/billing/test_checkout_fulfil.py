"""Fulfilling a session: credited when it is paid, once, and only for what was bought."""

import pytest
import stripe
from pytest_django import Settings

from billing import checkout, money, sums
from billing.models import Purchase, Transfer
from tests.billing.stripe_desk import DECLINED, SETTLES_LATE, Desk, purchase_of
from tests.cast import Customer


def test_a_return_without_payment_credits_nothing(bob: Customer, desk: Desk) -> None:
    purchase = checkout.fulfil(desk.started(bob))
    assert purchase is not None
    assert purchase.status == Purchase.Status.OPEN
    assert bob.balance_micros == 0


def test_a_paid_session_is_credited(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob, "25")
    purchase = checkout.fulfil(session)
    assert purchase is not None
    assert purchase.status == Purchase.Status.PAID
    assert purchase.paid_at is not None
    assert purchase.payment_intent == desk.session(session).payment_intent
    assert bob.balance_micros == bob.available_micros == money.parse("25")


def test_the_transfer_names_the_payment(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob, "7.77")
    checkout.fulfil(session)
    transfer = Transfer.objects.get()
    assert transfer.kind == Transfer.Kind.PURCHASE
    assert transfer.reference == f"purchase:{desk.session(session).payment_intent}"
    assert transfer.memo == "Credit bought"
    assert transfer.amount_micros == money.parse("7.77")


def test_fulfilling_again_changes_nothing(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob)
    first = checkout.fulfil(session)
    second = checkout.fulfil(session)
    assert first is not None
    assert second is not None
    assert first.paid_at == second.paid_at
    assert bob.balance_micros == money.parse("25")
    assert Transfer.objects.count() == 1


def test_a_declined_card_credits_nothing_and_the_next_card_may_pay(
    bob: Customer, desk: Desk
) -> None:
    session = desk.bought(bob, number=DECLINED)
    checkout.fulfil(session)
    assert bob.balance_micros == 0
    desk.fill(session, "4242424242424242")
    checkout.fulfil(session)
    assert bob.balance_micros == money.parse("25")


def test_a_payment_under_way_credits_nothing_yet(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob, number=SETTLES_LATE)
    purchase = checkout.fulfil(session)
    assert purchase is not None
    assert purchase.status == Purchase.Status.OPEN
    assert bob.balance_micros == 0
    desk.control(f"payments/{session}/settle")
    checkout.fulfil(session)
    assert bob.balance_micros == money.parse("25")


def test_a_payment_of_another_sum_is_not_credited(bob: Customer, desk: Desk) -> None:
    session = desk.bought(bob, "25")
    Purchase.objects.update(amount_micros=money.parse("250"))
    with pytest.raises(
        checkout.PaymentMismatch, match=r"2500 cents of usd were paid for purchase .* of \$250\.00"
    ):
        checkout.fulfil(session)
    assert purchase_of(bob.account).status == Purchase.Status.OPEN
    assert sums.audit().transfers == 0


def test_a_payment_in_another_currency_is_not_credited(bob: Customer, desk: Desk) -> None:
    desk.started(bob, "25")
    price = {"currency": "eur", "unit_amount": 2500, "product_data": {"name": "Gallop credit"}}
    reference = str(purchase_of(bob.account).pk)
    session = desk.foreign_session(
        client_reference_id=reference, line_items=[{"price_data": price, "quantity": 1}]
    )
    with pytest.raises(checkout.PaymentMismatch, match="2500 cents of eur were paid"):
        checkout.fulfil(session.id)
    assert bob.balance_micros == 0


def test_tax_is_paid_but_not_credited(bob: Customer, desk: Desk) -> None:
    desk.started(bob, "25")
    session = desk.foreign_session(
        client_reference_id=str(purchase_of(bob.account).pk), automatic_tax={"enabled": True}
    )
    assert session.amount_total == 2750
    checkout.fulfil(session.id)
    assert bob.balance_micros == money.parse("25")


@pytest.mark.parametrize("reference", [None, "order-7", "7c9e6679-7425-40de-944b-e07fc1f90ae7"])
@pytest.mark.usefixtures("bob")
def test_a_session_that_is_not_ours_is_nothing(desk: Desk, reference: str | None) -> None:
    params = {} if reference is None else {"client_reference_id": reference}
    assert checkout.fulfil(desk.foreign_session(**params).id) is None
    assert sums.audit().transfers == 0


@pytest.mark.parametrize("session", ["cs_test_none", "cs_/../../customers", "cs_1?x=1"])
@pytest.mark.django_db
@pytest.mark.usefixtures("desk")
def test_a_session_that_stripe_does_not_know_is_stripes_error(session: str) -> None:
    with pytest.raises(stripe.StripeError):
        checkout.fulfil(session)


@pytest.mark.parametrize("session", ["", "/", "../customers", "pi_1"])
@pytest.mark.django_db
def test_what_is_no_sessions_id_is_nothing_and_stripe_is_not_asked(
    settings: Settings, session: str
) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    assert checkout.fulfil(session) is None


def test_a_session_whose_id_we_never_wrote_down_is_credited_all_the_same(
    bob: Customer, desk: Desk
) -> None:
    session = desk.bought(bob)
    Purchase.objects.update(session=None)
    checkout.fulfil(session)
    assert bob.balance_micros == money.parse("25")
