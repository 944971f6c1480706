"""A bank that wants its customer: one mail, one link that works once, and top-ups go on."""

import re

import httpx
import pytest
from django.core import mail
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from billing import checkout, money, topup, topup_link, topup_rule
from billing.models import AutoTopUp, Purchase
from tests.billing import topups
from tests.billing.races import together
from tests.billing.stripe_desk import PAYS, Desk
from tests.billing.topups import payments_of, rule_of, top_ups
from tests.cast import Customer

State = AutoTopUp.State


@pytest.fixture
def link(
    bob: Customer, desk: Desk, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> str:
    """The path in the mail that Bob got because his bank asks for him."""
    topups.low(desk, bob, topups.ASKS_ALWAYS)
    with django_capture_on_commit_callbacks(execute=True):
        topup.attempt(bob.account)
    (letter,) = mail.outbox
    assert letter.subject == "Please confirm your top-up of $25.00"
    found = re.search(r"http://\S+?(/billing/top-up/confirm/\S+)", str(letter.body))
    assert found is not None
    return found[1]


def pay(desk: Desk, address: str) -> str:
    """Pay on the Checkout page behind an address, and hear of it; the session."""
    session = address.rsplit("/", 1)[1]
    desk.fill(session, PAYS)
    assert desk.deliver(session, "checkout.session.completed").status_code == 200
    return session


@pytest.mark.usefixtures("link")
def test_the_rule_pauses_and_nobody_is_charged(bob: Customer, desk: Desk) -> None:
    assert rule_of(bob).state == State.PAUSED
    assert rule_of(bob).declines == 0
    assert "Your bank wants you to confirm" in rule_of(bob).told
    assert bob.available_micros == money.parse("10")
    assert top_ups(bob)[0].status == Purchase.Status.FAILED
    assert topup.attempt(bob.account) is False
    assert len(payments_of(desk, bob)) == 1


def test_the_link_leads_to_a_checkout_of_the_same_sum_and_top_ups_go_on(
    bob: Customer, desk: Desk, link: str
) -> None:
    answer = Client().post(link)
    assert answer.status_code == 303
    session = pay(desk, answer.headers["Location"])
    assert desk.session(session).amount_total == 2500
    assert bob.available_micros == money.parse("35")
    rule = rule_of(bob)
    assert (rule.state, rule.told, rule.card_last4) == (State.ON, "", "4242")
    topups.spend(bob, "20")
    assert topup.attempt(bob.account) is True


def test_looking_at_the_link_does_not_use_it_up(link: str) -> None:
    pages = [Client().get(link) for _ in range(3)]
    assert [page.status_code for page in pages] == [200] * 3
    assert b"Pay $25.00 at Stripe" in pages[0].content
    assert Client().post(link).status_code == 303


def test_the_link_works_once(link: str) -> None:
    assert Client().post(link).status_code == 303
    again = Client().post(link)
    assert again.status_code == 410
    assert b"has been used or has expired" in again.content
    assert Client().get(link).status_code == 410
    assert Purchase.objects.filter(origin="checkout", status="open").count() == 1


def test_an_old_link_is_refused(link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topup_link, "LINK_DAYS_MAX", -1)
    assert Client().post(link).status_code == 410


@pytest.mark.parametrize("change", [lambda path: path[:-1] + "~", lambda path: path[:-5]])
def test_a_changed_link_is_refused(link: str, change: object) -> None:
    assert callable(change)
    assert Client().post(change(link)).status_code == 410


def test_a_link_is_nothing_once_the_rule_is_switched_off(bob: Customer, link: str) -> None:
    topup_rule.turn_off(bob.account)
    assert Client().post(link).status_code == 410


def test_paying_after_switching_off_buys_the_credit_and_keeps_the_rule_off(
    bob: Customer, desk: Desk, link: str
) -> None:
    address = Client().post(link).headers["Location"]
    topup_rule.turn_off(bob.account)
    pay(desk, address)
    assert bob.available_micros == money.parse("35")
    assert rule_of(bob).state == State.OFF


def test_a_link_is_good_again_when_stripe_did_not_answer(desk: Desk, link: str) -> None:
    desk.control("faults", path="/v1/checkout/sessions", status=400, times=1)
    assert Client().post(link).status_code == 302
    assert Client().post(link).status_code == 303


def test_a_signed_in_owner_may_confirm_on_the_billing_page(
    bob: Customer, desk: Desk, link: str
) -> None:
    page = bob.browser.get("/billing").content.decode()
    assert "Waiting for your bank" in page
    assert "Confirm $25.00 with your bank" in page
    answer = bob.browser.post("/billing/top-up/resume")
    assert answer.status_code == 303
    pay(desk, answer.headers["Location"])
    assert rule_of(bob).state == State.ON
    assert Client().post(link).status_code == 410


def test_a_payment_that_waits_for_its_customer_is_given_up_in_favour_of_the_link(
    bob: Customer, desk: Desk
) -> None:
    topups.low(desk, bob, topups.ASKS_ALWAYS)
    purchase = topup._begin(bob.account)
    assert purchase is not None
    # As if Stripe held the payment open for the customer instead of refusing it.
    params = topup._params(purchase) | {"off_session": False}
    payment = desk.api.v1.payment_intents.create(params)
    assert payment.status == "requires_action"
    (event,) = [
        one.id
        for one in desk.api.v1.events.list({"type": "payment_intent.requires_action"}).data
        if one.data.object["id"] == payment.id
    ]
    assert topups.deliver(desk, event) == 200
    assert desk.api.v1.payment_intents.retrieve(payment.id).status == "canceled"
    assert rule_of(bob).state == State.PAUSED
    assert top_ups(bob)[0].status == Purchase.Status.FAILED
    # Its cancellation is news of the same, told once more.
    for one in topups.events_about(desk, payment.id):
        assert topups.deliver(desk, one) == 200
    assert (rule_of(bob).state, rule_of(bob).declines) == (State.PAUSED, 0)
    httpx.post(f"{desk.url}/pay/confirm/{payment.id}", data={"answer": "confirm"})
    assert desk.api.v1.payment_intents.retrieve(payment.id).status == "canceled"


def test_an_ordinary_purchase_does_not_end_the_pause(bob: Customer, desk: Desk, link: str) -> None:
    session = desk.bought(bob, "25")
    checkout.fulfil(session)
    assert rule_of(bob).state == State.PAUSED
    assert Client().get(link).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_one_link_pressed_eight_times_at_the_same_moment_leads_to_one_checkout(
    bob: Customer, desk: Desk
) -> None:
    topups.low(desk, bob, topups.ASKS_ALWAYS)
    topup.attempt(bob.account)
    path = topup_link.path_of(rule_of(bob))

    def press() -> int:
        return int(Client().post(path).status_code)

    assert sorted(map(str, together([press] * 8))) == ["303"] + ["410"] * 7
    assert Purchase.objects.filter(origin="checkout", status="open").count() == 1
