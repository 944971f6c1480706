"""The section on the billing page: what it says, what it takes, and whose it is."""

import re

import pytest
from django.test import Client

from billing import money, topup, topup_rule
from billing.models import AutoTopUp
from tests.billing import topups
from tests.billing.stripe_desk import Desk
from tests.billing.topups import rule_of
from tests.cast import Customer

State = AutoTopUp.State
FORM = {"threshold_micros": "20", "amount_micros": "25", "monthly_cap_micros": "100"}


def page_of(customer: Customer) -> str:
    return customer.browser.get("/billing").content.decode()


def test_a_new_customer_is_offered_to_begin_with_a_purchase(bob: Customer) -> None:
    page = page_of(bob)
    assert 'data-state="off"' in page
    assert "Turn on with a first purchase" in page
    assert "Save this card for automatic top-ups" in page


def test_writing_a_rule_without_a_card_leads_to_checkout_for_that_sum(
    bob: Customer, desk: Desk
) -> None:
    answer = bob.browser.post("/billing/top-up", FORM)
    assert answer.status_code == 303
    session = answer.headers["Location"].rsplit("/", 1)[1]
    assert desk.session(session).amount_total == 2500
    assert rule_of(bob).state == State.OFF
    desk.fill(session, "4242424242424242")
    bob.browser.get(f"/billing/return?session={session}")
    page = page_of(bob)
    assert 'data-state="on"' in page
    assert "Charges your Visa ending in 4242." in page


def test_the_ticked_box_saves_the_card(bob: Customer, desk: Desk) -> None:
    answer = bob.browser.post("/billing", {"pack": "10", "save_card": "on"})
    session = answer.headers["Location"].rsplit("/", 1)[1]
    desk.fill(session, "4242424242424242")
    bob.browser.get(f"/billing/return?session={session}")
    assert rule_of(bob).card_last4 == "4242"
    assert rule_of(bob).state == State.OFF


def test_writing_a_rule_with_a_card_turns_it_on(bob: Customer, desk: Desk) -> None:
    topups.save_card(desk, bob)
    answer = bob.browser.post("/billing/top-up", FORM)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/billing#top-up")
    rule = rule_of(bob)
    assert (rule.state, rule.threshold_micros) == (State.ON, money.parse("20"))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("threshold_micros", "30", "Choose a sum from $1.00 to $25.00."),
        ("threshold_micros", "", "This field is required."),
        ("amount_micros", "4", "Choose a sum from $5.00 to $500.00."),
        ("amount_micros", "a lot", "Write a sum in dollars"),
        ("amount_micros", "25.001", "Choose a whole number of cents."),
        ("monthly_cap_micros", "24", "Choose a sum from $25.00 to $10,000.00."),
    ],
)
def test_a_wrong_sum_is_named_beside_its_field_and_nothing_is_kept(
    bob: Customer, field: str, value: str, sentence: str
) -> None:
    answer = bob.browser.post("/billing/top-up", FORM | {field: value})
    assert answer.status_code == 200
    assert re.search(r'<details[^>]* id="top-up-terms"[^>]* open>', answer.content.decode())
    assert sentence in answer.content.decode()
    assert not AutoTopUp.objects.exists()


def test_turning_off(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    assert bob.browser.post("/billing/top-up/off").status_code == 302
    assert rule_of(bob).state == State.OFF
    assert 'data-state="off"' in page_of(bob)


def test_a_decline_stands_on_the_page_with_what_to_do(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob, topups.DECLINES_LATER)
    topup.attempt(bob.account)
    page = page_of(bob)
    assert "We could not add $25.00: Your card was declined. You were not charged." in page
    assert 'data-status="failed"' in page


def test_a_top_up_stands_in_the_history_with_its_receipt(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    topup.attempt(bob.account)
    (purchase,) = topups.top_ups(bob)
    page = page_of(bob)
    assert 'data-status="paid"' in page
    assert f"/billing/receipts/{purchase.pk}" in page


def test_nobody_sees_or_changes_the_rule_of_another(
    bob: Customer, charlie: Customer, desk: Desk
) -> None:
    topups.low(desk, bob, topups.ASKS_ALWAYS)
    topup.attempt(bob.account)
    page = page_of(charlie)
    assert "4242" not in page
    assert 'id="top-ups"' not in page
    assert charlie.browser.post("/billing/top-up/resume").status_code == 404
    charlie.browser.post("/billing/top-up/off")
    assert rule_of(bob).state == State.PAUSED


@pytest.mark.parametrize("path", ["top-up", "top-up/off", "top-up/resume", "portal"])
def test_the_buttons_ask_for_sign_in_and_a_post(bob: Customer, path: str) -> None:
    assert "/account/login" in Client().post(f"/billing/{path}").headers["Location"]
    assert bob.browser.get(f"/billing/{path}").status_code == 405


def test_stripe_not_answering_is_said_and_nothing_is_turned_on(bob: Customer, desk: Desk) -> None:
    desk.control("faults", path="/v1/checkout/sessions", status=400)
    answer = bob.browser.post("/billing/top-up", FORM, follow=True)
    assert "The payment service does not answer. You were not charged" in answer.content.decode()
    assert rule_of(bob).state == State.OFF


def test_the_form_shows_the_rule_as_it_is(bob: Customer) -> None:
    topup_rule.write(bob.account, topups.terms("12.50", "40", "80"))
    page = page_of(bob)
    assert all(f'value="{shown}"' in page for shown in ("12.50", "40.00", "80.00"))
