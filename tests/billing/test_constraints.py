"""Every rule about money is a named constraint of the database. Here each is broken on purpose."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import Account
from billing import ledger
from billing.models import (
    Alert,
    AutoTopUp,
    CreditOrder,
    Dispute,
    Grant,
    Hold,
    KeySpend,
    LedgerAccount,
    PaymentProfile,
    PromoCode,
    Purchase,
    Refund,
    RefundOrder,
    StripeEvent,
    Transfer,
)
from tests.cast import Customer

Code = LedgerAccount.Code
NOW = timezone.now()


def operator(code: Code = Code.REVENUE) -> LedgerAccount:
    return LedgerAccount.objects.get_or_create(code=code)[0]


def transfer(alice: Customer, **changes: object) -> Transfer:
    """Write a transfer past the ledger."""
    row = {
        "debit": ledger.book(alice.account),
        "credit": operator(),
        "amount_micros": 1,
        "kind": Transfer.Kind.CAPTURE,
        "reference": "generation:1",
    }
    return Transfer.objects.create(**(row | changes))


def hold(alice: Customer, **changes: object) -> Hold:
    """Write a hold past the ledger."""
    row = {
        "ledger_account": ledger.book(alice.account),
        "amount_micros": 1,
        "reference": "generation:1",
    }
    return Hold.objects.create(**(row | changes))


def key_spend(alice: Customer, **changes: object) -> KeySpend:
    """Write past the caps what a key has spent."""
    row = {"key": alice.account.api_keys.get(), "since": NOW, "spent_micros": 0}
    return KeySpend.objects.create(**(row | changes))


def purchase(alice: Customer, **changes: object) -> Purchase:
    """Write a purchase past the checkout."""
    row = {"account": alice.account, "amount_micros": 10_000_000}
    return Purchase.objects.create(**(row | changes))


def book(alice: Customer, **changes: object) -> None:
    """Change the numbers of Alice's book past the ledger."""
    LedgerAccount.objects.filter(account=alice.account).update(**changes)


def refund(alice: Customer, **changes: object) -> Refund:
    """Write a refund past Stripe."""
    row = {"id": uuid4().hex, "purchase": purchase(alice), "amount_micros": 1, "status": "pending"}
    return Refund.objects.create(**(row | changes))


def dispute(alice: Customer, **changes: object) -> Dispute:
    """Write a dispute past Stripe."""
    row = {"id": uuid4().hex, "purchase": purchase(alice), "amount_micros": 1, "status": "lost"}
    return Dispute.objects.create(**(row | changes))


def order(alice: Customer, **changes: object) -> RefundOrder:
    """Write an operator's order for a refund."""
    row = {"purchase": purchase(alice), "cents": 1, "reason": "asked for", "by": alice.user}
    return RefundOrder.objects.create(**(row | changes))


def grant(alice: Customer, **changes: object) -> Grant:
    """Write a grant past the ledger."""
    row = {
        "account": alice.account,
        "amount_micros": 2,
        "remaining_micros": 2,
        "expires_at": timezone.now(),
        "reference": uuid4().hex,
    }
    return Grant.objects.create(**(row | changes))


def promo_code(**changes: object) -> PromoCode:
    """Write a promotion code."""
    row = {
        "code": "GALLOP",
        "amount_micros": 1,
        "life_days": 1,
        "redemptions_max": 1,
        "valid_until": timezone.now(),
    }
    return PromoCode.objects.create(**(row | changes))


def top_up(alice: Customer, **changes: object) -> AutoTopUp:
    """Write a top-up rule past its form."""
    row = {
        "account": alice.account,
        "threshold_micros": 1,
        "amount_micros": 10,
        "monthly_cap_micros": 10,
    }
    return AutoTopUp.objects.create(**(row | changes))


def alert(alice: Customer, **changes: object) -> Alert:
    """Write an alert past its form."""
    row = {"account": alice.account, "kind": Alert.Kind.SPEND, "threshold_micros": 1}
    return Alert.objects.create(**(row | changes))


def two_orders(alice: Customer) -> None:
    """Order two refunds of one purchase at once."""
    bought = purchase(alice)
    twice(lambda: order(alice, purchase=bought))


def twice(write: Callable[[], object]) -> None:
    write()
    write()


def credit_order(customer: Customer, **changes: Any) -> CreditOrder:
    given: dict[str, Any] = {
        "account": customer.account,
        "sort": CreditOrder.Sort.GRANT,
        "amount_micros": 1,
        "reason": "a gift",
        "by": customer.user,
    }
    return CreditOrder.objects.create(**given | changes)


BREAKS: dict[str, list[Callable[[Customer], object]]] = {
    "ledger_account_customer_or_operator": [
        lambda _: LedgerAccount.objects.create(),
        lambda _: LedgerAccount.objects.create(
            account=Account.objects.create(name="both"), code=Code.DISPUTES
        ),
    ],
    "ledger_account_held_not_negative": [lambda alice: book(alice, held_micros=-1)],
    "ledger_account_available_not_negative": [
        lambda alice: book(alice, balance_micros=-1),
        lambda alice: book(alice, held_micros=25_000_001),
    ],
    "ledger_account_operator_is_summed": [
        lambda _: LedgerAccount.objects.create(code=Code.DISPUTES, balance_micros=1),
        lambda _: LedgerAccount.objects.create(code=Code.DISPUTES, balance_micros=1, held_micros=1),
    ],
    "transfer_positive": [
        lambda alice: transfer(alice, amount_micros=0),
        lambda alice: transfer(alice, amount_micros=-1),
    ],
    "transfer_between_two_accounts": [
        lambda alice: transfer(alice, credit=ledger.book(alice.account)),
    ],
    "transfer_once": [lambda alice: twice(lambda: transfer(alice))],
    "hold_positive": [
        lambda alice: hold(alice, amount_micros=0),
        lambda alice: hold(alice, amount_micros=-1),
    ],
    "hold_settled_or_not": [
        lambda alice: hold(alice, settled_at=timezone.now()),
        lambda alice: hold(alice, state=Hold.State.CAPTURED),
        lambda alice: hold(alice, state=Hold.State.RELEASED),
        lambda alice: hold(alice, state="lost", settled_at=timezone.now()),
    ],
    "purchase_positive": [
        lambda alice: purchase(alice, amount_micros=0),
        lambda alice: purchase(alice, amount_micros=-10_000),
    ],
    "purchase_whole_cents": [
        lambda alice: purchase(alice, amount_micros=10_001_000),
        lambda alice: purchase(alice, amount_micros=1),
    ],
    "purchase_paid_has_date": [
        lambda alice: purchase(alice, status=Purchase.Status.PAID),
        lambda alice: purchase(alice, paid_at=timezone.now()),
        lambda alice: purchase(alice, status=Purchase.Status.EXPIRED, paid_at=timezone.now()),
    ],
    "purchase_bonus_not_negative": [lambda alice: purchase(alice, bonus_micros=-1)],
    "purchase_one_auto_in_flight": [
        lambda alice: twice(lambda: purchase(alice, origin=Purchase.Origin.AUTO)),
    ],
    "ledger_account_receivable_not_negative": [lambda alice: book(alice, receivable_micros=-1)],
    "payment_profile_customer_once": [
        lambda alice: [
            PaymentProfile.objects.create(account=account, customer="cus_1")
            for account in (alice.account, Account.objects.create(name="other"))
        ],
    ],
    "refund_positive": [lambda alice: refund(alice, amount_micros=0)],
    "refund_order_positive": [lambda alice: order(alice, cents=0)],
    "refund_order_done_has_refund": [
        lambda alice: order(alice, state=RefundOrder.State.DONE),
        lambda alice: order(alice, refund=refund(alice)),
    ],
    "refund_order_one_open": [two_orders],
    "credit_order_positive": [lambda alice: credit_order(alice, amount_micros=0)],
    "credit_order_has_reason": [lambda alice: credit_order(alice, reason="")],
    "credit_order_decided_or_not": [
        lambda alice: credit_order(alice, state=CreditOrder.State.DONE),
        lambda alice: credit_order(alice, decided_at=timezone.now()),
    ],
    "credit_order_second_person": [
        lambda alice: credit_order(
            alice,
            state=CreditOrder.State.DONE,
            decided_at=timezone.now(),
            decided_by=alice.user,
        )
    ],
    "dispute_positive": [lambda alice: dispute(alice, amount_micros=0)],
    "dispute_out_before_in": [lambda alice: dispute(alice, money_in=True)],
    "key_spend_not_negative": [lambda alice: key_spend(alice, spent_micros=-1)],
    "key_spend_once_a_period": [lambda alice: twice(lambda: key_spend(alice))],
    "grant_positive": [lambda alice: grant(alice, amount_micros=0, remaining_micros=0)],
    "grant_remaining_within_amount": [
        lambda alice: grant(alice, remaining_micros=3),
        lambda alice: grant(alice, remaining_micros=-1),
    ],
    "promo_code_positive": [lambda _: promo_code(amount_micros=0)],
    "promo_code_not_used_up": [lambda _: promo_code(redemptions=2)],
    "auto_top_up_positive": [
        lambda alice: top_up(alice, threshold_micros=-1),
        lambda alice: top_up(alice, amount_micros=0),
    ],
    "auto_top_up_cap_holds_one": [lambda alice: top_up(alice, monthly_cap_micros=9)],
    "auto_top_up_on_has_card": [lambda alice: top_up(alice, state=AutoTopUp.State.ON)],
    "alert_once": [lambda alice: twice(lambda: alert(alice))],
    "alert_positive": [lambda alice: alert(alice, threshold_micros=0)],
}


@pytest.mark.parametrize(
    ("name", "number"), [(name, n) for name, ways in BREAKS.items() for n in range(len(ways))]
)
def test_the_database_refuses_what_breaks_the_rule(alice: Customer, name: str, number: int) -> None:
    with pytest.raises(IntegrityError) as refused:
        BREAKS[name][number](alice)
    assert broken_constraint(refused.value) == name


def test_every_named_constraint_of_billing_is_broken_above() -> None:
    models = apps.get_app_config("billing").get_models()
    named = {constraint.name for model in models for constraint in model._meta.constraints}
    assert named == set(BREAKS)


@pytest.mark.parametrize(
    "write",
    [
        lambda alice: LedgerAccount.objects.create(account=alice.account),
        lambda _: twice(lambda: LedgerAccount.objects.create(code=Code.DISPUTES)),
        lambda alice: twice(lambda: hold(alice)),
        lambda alice: twice(lambda: purchase(alice, session="cs_1")),
        lambda _: twice(lambda: StripeEvent.objects.create(id="evt_1", type="x", payload={})),
    ],
    ids=["book of a customer", "operator's code", "hold reference", "session", "event"],
)
def test_what_exists_once_cannot_be_written_twice(
    alice: Customer, write: Callable[[Customer], object]
) -> None:
    with pytest.raises(IntegrityError, match="duplicate key"):
        write(alice)


def test_purchases_whose_session_is_not_known_yet_do_not_collide(alice: Customer) -> None:
    twice(lambda: purchase(alice))
    assert Purchase.objects.filter(session=None).count() == 2


def test_an_account_with_money_cannot_be_deleted(alice: Customer) -> None:
    with pytest.raises(IntegrityError, match="protected"):
        alice.account.delete()
    assert alice.balance_micros == 25_000_000


def broken_constraint(error: IntegrityError) -> str:
    """The name of the constraint, as PostgreSQL reported it."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return str(getattr(diagnosis, "constraint_name", None))
