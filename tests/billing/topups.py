"""What the tests of automatic top-ups do: save a card, write a rule, spend, look at Stripe."""

from contextlib import suppress
from typing import Any

import stripe

from billing import checkout, gateway, ledger, money, topup, topup_rule
from billing.models import AutoTopUp, PaymentProfile, Purchase
from tests.billing.stripe_desk import PAYS, Desk, post_event
from tests.cast import Customer

DECLINES_LATER = "pm_card_chargeCustomerFail"
ASKS_ALWAYS = "pm_card_authenticationRequired"
EVENTS_MAX = 100


def terms(threshold: str = "20", amount: str = "25", cap: str = "100") -> topup_rule.Terms:
    return topup_rule.Terms(money.parse(threshold), money.parse(amount), money.parse(cap))


def save_card(desk: Desk, customer: Customer, dollars: str = "10") -> None:
    """Buy credit and tick "save this card"."""
    url = checkout.start(
        customer.account,
        money.parse(dollars),
        email=customer.user.email,
        keep=topup_rule.KEEP,
    )
    session = url.rsplit("/", 1)[1]
    desk.fill(session, PAYS)
    checkout.fulfil(session)


def low(desk: Desk, customer: Customer, token: str = "", **sums: str) -> AutoTopUp:
    """Have the customer stand at $10 with a rule that is on and tops up below $20.

    `token` is a test card that takes the place of the one that paid.
    """
    save_card(desk, customer)
    if token:
        use_card(desk, customer, token)
    return topup_rule.write(customer.account, terms(**sums))


def use_card(desk: Desk, customer: Customer, token: str) -> None:
    """Save another test card and have the rule charge it."""
    at_stripe = PaymentProfile.objects.get(account=customer.account).customer
    method = desk.api.v1.payment_methods.attach(token, {"customer": at_stripe})
    AutoTopUp.objects.filter(account=customer.account).update(payment_method=method.id)


def rule_of(customer: Customer) -> AutoTopUp:
    """The rule as the database has it now."""
    return AutoTopUp.objects.get(account=customer.account)


def top_ups(customer: Customer) -> list[Purchase]:
    """The account's automatic purchases, newest first."""
    return list(topup.history(customer.account))


def killed(desk: Desk, customer: Customer) -> Purchase:
    """Play a process that died between Stripe's answer and our note of it."""
    purchase = topup._begin(customer.account)
    assert purchase is not None
    with suppress(stripe.CardError):
        desk.api.v1.payment_intents.create(
            topup._params(purchase), {"idempotency_key": f"topup:{purchase.pk}"}
        )
    return purchase


def payments_of(desk: Desk, customer: Customer) -> list[stripe.PaymentIntent]:
    """The automatic payments that Stripe has for this customer, newest first."""
    at_stripe = PaymentProfile.objects.get(account=customer.account).customer
    listed = desk.api.v1.payment_intents.list({"customer": at_stripe, "limit": EVENTS_MAX}).data
    purchases = {str(one.pk) for one in top_ups(customer)}
    return [one for one in listed if gateway.word_of(one.metadata, "purchase") in purchases]


def events_about(desk: Desk, payment: str) -> list[str]:
    """The ids of the events about a payment intent or its charges, oldest first."""
    listed: Any = desk.api.v1.events.list({"limit": EVENTS_MAX}).data
    about = [
        event.id
        for event in listed
        if payment in {event.data.object["id"], event.data.object.to_dict().get("payment_intent")}
    ]
    return about[::-1]


def deliver(desk: Desk, event: str) -> int:
    """Post an event to our webhook as Stripe would; the answer's status."""
    answer: Any = desk.api.raw_request("get", f"/v1/_sandbox/events/{event}/signed").data
    status: int = post_event(str(answer["payload"]), str(answer["signature"])).status_code
    return status


def spend(customer: Customer, dollars: str, job: str = "job") -> None:
    """Hold and capture."""
    ledger.hold(customer.account, money.parse(dollars), reference=job)
    ledger.capture(job)
