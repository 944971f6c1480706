"""An alert that was crossed reaches the customer's webhooks too: once for each crossing."""

import json
from typing import Any
from unittest.mock import ANY

from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from accounts import webhooks
from accounts.models import Event, WebhookDelivery
from billing import alerts, ledger, money
from billing.models import Alert, LedgerAccount, Transfer
from tests.cast import Customer

ADDRESS = "https://example.com/hook"


def watch() -> int:
    return alerts.watch(timezone.now())


def told() -> list[Any]:
    """Return the bodies that were announced, oldest first."""
    return [json.loads(one.body) for one in WebhookDelivery.objects.order_by("id")]


def set_alert(customer: Customer, kind: Alert.Kind, dollars: str) -> Alert:
    return alerts.add(customer.account, kind, money.parse(dollars))


def listen(customer: Customer, *events: Event) -> None:
    webhooks.add(customer.account, ADDRESS, events)


def spend(customer: Customer, dollars: str, number: int = 1) -> None:
    ledger.hold(customer.account, money.parse(dollars), reference=f"job:{number}")
    ledger.capture(f"job:{number}")


def give(customer: Customer, dollars: str) -> None:
    ledger.deposit(
        customer.account,
        money.parse(dollars),
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
        reference=f"purchase:{dollars}",
    )


def test_low_credit_is_told_with_both_sums(alice: Customer) -> None:
    listen(alice, Event.LOW_BALANCE)
    set_alert(alice, Alert.Kind.LOW_BALANCE, "10")
    spend(alice, "15.055")
    assert [watch(), watch()] == [1, 0]
    assert told() == [
        {
            "type": "balance.low",
            "timestamp": ANY,
            "data": {"balance": 9.945, "threshold": 10.0, "currency": "USD"},
        }
    ]
    assert len(mail.outbox) == 1


def test_spending_is_told_with_its_month(alice: Customer) -> None:
    listen(alice, Event.SPEND)
    set_alert(alice, Alert.Kind.SPEND, "10")
    spend(alice, "10.945")
    assert [watch(), watch()] == [1, 0]
    month = f"{timezone.now():%Y-%m}"
    (body,) = told()
    assert body["type"] == "spend.reached"
    assert body["data"] == {
        "spent": 10.945,
        "month": month,
        "threshold": 10.0,
        "currency": "USD",
    }


def test_each_crossing_is_told(alice: Customer) -> None:
    listen(alice, Event.LOW_BALANCE)
    set_alert(alice, Alert.Kind.LOW_BALANCE, "10")
    spend(alice, "20", 1)
    watch()
    give(alice, "30")
    watch()
    spend(alice, "30", 2)
    watch()
    assert [body["data"]["balance"] for body in told()] == [5.0, 5.0]


def test_while_no_mail_gets_out_nothing_is_announced_and_then_once(
    alice: Customer, settings: Settings
) -> None:
    listen(alice, Event.LOW_BALANCE)
    alert = set_alert(alice, Alert.Kind.LOW_BALANCE, "100")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert [watch(), watch()] == [0, 0]
    alert.refresh_from_db()
    assert (alert.armed, alert.fired_at, told()) == (True, None, [])
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert [watch(), watch()] == [1, 0]
    assert len(told()) == 1


def test_who_has_no_webhook_for_it_gets_the_mail_alone(alice: Customer) -> None:
    listen(alice, Event.COMPLETED)
    set_alert(alice, Alert.Kind.LOW_BALANCE, "100")
    assert watch() == 1
    assert told() == []


def test_another_accounts_alert_is_not_told(alice: Customer, charlie: Customer) -> None:
    listen(charlie, Event.LOW_BALANCE)
    set_alert(alice, Alert.Kind.LOW_BALANCE, "100")
    watch()
    assert told() == []
