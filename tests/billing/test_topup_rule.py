"""The rule: what is accepted, how a card comes to it, and who may turn it on."""

import pytest
from django.db import IntegrityError, transaction

from billing import checkout, money, topup_rule
from billing.models import AutoTopUp, Purchase
from tests.billing import topups
from tests.billing.stripe_desk import PAYS, Desk
from tests.billing.topups import rule_of, terms
from tests.cast import Customer

State = AutoTopUp.State


@pytest.mark.parametrize(
    ("sums", "field"),
    [
        ({"amount": "4.99"}, "amount_micros"),
        ({"amount": "500.01"}, "amount_micros"),
        ({"amount": "25.005"}, "amount_micros"),
        ({"threshold": "0.99"}, "threshold_micros"),
        ({"threshold": "25.01"}, "threshold_micros"),
        ({"threshold": "5.001"}, "threshold_micros"),
        ({"cap": "24.99"}, "monthly_cap_micros"),
        ({"cap": "10000.01"}, "monthly_cap_micros"),
    ],
)
def test_terms_outside_the_limits_are_refused_field_by_field(
    bob: Customer, sums: dict[str, str], field: str
) -> None:
    with pytest.raises(topup_rule.InvalidTerms) as refusal:
        topup_rule.write(bob.account, terms(**sums))
    assert list(refusal.value.faults) == [field]
    assert not AutoTopUp.objects.exists()


@pytest.mark.parametrize(
    "sums",
    [
        {"threshold": "1", "amount": "5", "cap": "5"},
        {"threshold": "500", "amount": "500", "cap": "10000"},
    ],
)
def test_terms_at_the_limits_are_kept(bob: Customer, sums: dict[str, str]) -> None:
    topup_rule.write(bob.account, terms(**sums))
    rule = rule_of(bob)
    assert topup_rule.Terms(
        rule.threshold_micros, rule.amount_micros, rule.monthly_cap_micros
    ) == terms(**sums)


def test_a_rule_without_a_card_stays_off(bob: Customer) -> None:
    assert topup_rule.write(bob.account, terms()).state == State.OFF


def test_the_database_refuses_a_rule_that_is_on_without_a_card(bob: Customer) -> None:
    topup_rule.write(bob.account, terms())
    with pytest.raises(IntegrityError, match="auto_top_up_on_has_card"), transaction.atomic():
        AutoTopUp.objects.update(state=State.ON)


def test_a_ticked_purchase_saves_the_card_and_turns_nothing_on(bob: Customer, desk: Desk) -> None:
    topups.save_card(desk, bob)
    rule = rule_of(bob)
    assert (rule.state, rule.card_brand, rule.card_last4) == (State.OFF, "visa", "4242")
    assert rule.payment_method.startswith("pm_")
    assert rule.amount_micros == money.parse("10")


def test_a_purchase_without_the_tick_saves_no_card(bob: Customer, desk: Desk) -> None:
    checkout.fulfil(desk.bought(bob))
    assert not AutoTopUp.objects.exists()


def test_writing_a_rule_with_a_card_turns_it_on_and_forgets_trouble(
    bob: Customer, desk: Desk
) -> None:
    topups.save_card(desk, bob)
    AutoTopUp.objects.update(state=State.PAUSED, declines=2, told="Trouble.", link_word="word")
    topup_rule.write(bob.account, terms())
    rule = rule_of(bob)
    assert (rule.state, rule.declines, rule.told, rule.link_word) == (State.ON, 0, "", "")


def begun(desk: Desk, customer: Customer) -> str:
    """Pay for the purchase with which a rule is turned on; the session."""
    rule = topup_rule.write(customer.account, terms())
    url = checkout.start(
        customer.account,
        rule.amount_micros,
        email=customer.user.email,
        keep=topup_rule.START,
    )
    session = url.rsplit("/", 1)[1]
    desk.fill(session, PAYS)
    return session


def test_the_first_purchase_of_a_rule_turns_it_on(bob: Customer, desk: Desk) -> None:
    session = begun(desk, bob)
    assert rule_of(bob).state == State.OFF
    checkout.fulfil(session)
    assert (rule_of(bob).state, rule_of(bob).card_last4) == (State.ON, "4242")
    assert bob.balance_micros == money.parse("25")


def test_an_event_that_comes_late_does_not_turn_it_on_again(bob: Customer, desk: Desk) -> None:
    session = begun(desk, bob)
    checkout.fulfil(session)
    topup_rule.turn_off(bob.account)
    desk.deliver(session, "checkout.session.completed")
    assert rule_of(bob).state == State.OFF


def test_one_open_automatic_purchase_an_account_is_the_databases_rule(bob: Customer) -> None:
    def open_one() -> None:
        Purchase.objects.create(
            account=bob.account, amount_micros=money.parse("25"), origin=Purchase.Origin.AUTO
        )

    open_one()
    with pytest.raises(IntegrityError, match="purchase_one_auto_in_flight"), transaction.atomic():
        open_one()
