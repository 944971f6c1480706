"""The audit of payments: a sentence for each row that the ledger does not bear out."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from billing import audit, ledger, money
from billing.models import Dispute, Grant, LedgerAccount, Purchase, Refund, Transfer
from tests.billing import stories
from tests.cast import Customer

Code = LedgerAccount.Code
Kind = Transfer.Kind
ALL = money.parse("25")
HALF = money.parse("12.50")


@pytest.fixture
def purchase(bob: Customer) -> Purchase:
    """Bob has bought $25 with a bonus of $1.25."""
    made = Purchase.objects.create(
        account=bob.account,
        amount_micros=ALL,
        bonus_micros=ALL // 20,
        status=Purchase.Status.PAID,
        paid_at=timezone.now(),
        payment_intent="pi_1",
        charged_cents=2500,
    )
    deposit(bob, ALL, Kind.PURCHASE, "purchase:pi_1")
    deposit(bob, ALL // 20, Kind.BONUS, "purchase:pi_1", Code.PROMOTIONS)
    return made


def deposit(
    customer: Customer, micros: int, kind: Kind, reference: str, source: Code = Code.STRIPE
) -> None:
    ledger.deposit(customer.account, micros, source=source, kind=kind, reference=reference)


def claw_back(customer: Customer, micros: int, kind: Kind, reference: str, to: Code) -> None:
    ledger.claw_back(customer.account, micros, to=to, kind=kind, reference=reference)


def refunded(purchase: Purchase, customer: Customer, status: str = "succeeded") -> Refund:
    claw_back(customer, HALF, Kind.REFUND, "refund:re_1", Code.STRIPE)
    return Refund.objects.create(pk="re_1", purchase=purchase, amount_micros=HALF, status=status)


def sql(statement: str, *values: int) -> None:
    """Do to the books what no code of ours would."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_sound_books_have_no_fault(purchase: Purchase, bob: Customer) -> None:
    refunded(purchase, bob)
    assert stories.faults() == []


def test_every_kind_of_transfer_has_its_accounts() -> None:
    assert set(audit.SIDES) == set(Kind)


def test_a_transfer_between_the_wrong_accounts_is_found(bob: Customer) -> None:
    deposit(bob, ALL, Kind.PROMOTION, "gift", Code.REVENUE)
    assert audit.faults() == ["transfers of kind promotion go from revenue to customer"]


@pytest.mark.usefixtures("purchase")
def test_a_paid_purchase_without_its_credit_is_found() -> None:
    Purchase.objects.update(payment_intent="pi_2")
    assert audit.faults() == [
        f"purchase purchase:pi_2: paid, but {ALL} was not booked for its account",
        f"purchase purchase:pi_1: {ALL} booked without its paid purchase",
        f"bonus purchase:pi_2: paid, but {ALL // 20} was not booked for its account",
        f"bonus purchase:pi_1: {ALL // 20} booked without its paid purchase",
    ]


@pytest.mark.usefixtures("purchase")
def test_credit_for_a_purchase_that_is_not_paid_is_found() -> None:
    Purchase.objects.update(status=Purchase.Status.OPEN, paid_at=None, bonus_micros=0)
    assert f"purchase purchase:pi_1: {ALL} booked without its paid purchase" in audit.faults()


@pytest.mark.usefixtures("purchase")
def test_credit_that_went_to_another_account_is_found(charlie: Customer) -> None:
    Purchase.objects.update(account=charlie.account)
    assert len(audit.faults()) == 4


@pytest.mark.usefixtures("purchase")
def test_credit_of_another_sum_is_found() -> None:
    Purchase.objects.update(amount_micros=HALF)
    assert len(audit.faults()) == 2


def test_a_refund_without_its_claw_back_is_found(purchase: Purchase) -> None:
    Refund.objects.create(pk="re_1", purchase=purchase, amount_micros=HALF, status="pending")
    assert audit.faults() == [f"refund:re_1: 0 taken back, not {HALF}"]


@pytest.mark.usefixtures("purchase")
def test_a_claw_back_without_its_refund_is_found(bob: Customer) -> None:
    claw_back(bob, HALF, Kind.REFUND, "refund:re_1", Code.STRIPE)
    assert audit.faults() == ["refund:re_1: booked without its refund or dispute"]


def test_a_refund_whose_bonus_stayed_is_found(purchase: Purchase, bob: Customer) -> None:
    refunded(purchase, bob)
    Refund.objects.update(bonus_micros=5)
    assert audit.faults() == ["refund:re_1:bonus: 0 taken back, not 5"]


def test_a_refund_given_back_though_it_succeeded_is_found(
    purchase: Purchase, bob: Customer
) -> None:
    refunded(purchase, bob)
    deposit(bob, HALF, Kind.REFUND_FAILED, "refund:re_1")
    assert audit.faults() == [f"refund:re_1: {HALF} given back, though it was not undone"]


def test_a_failed_refund_that_was_not_given_back_is_found(
    purchase: Purchase, bob: Customer
) -> None:
    refunded(purchase, bob, "failed")
    assert audit.faults() == [f"refund:re_1: failed, but {HALF} was taken and 0 given back"]
    deposit(bob, HALF, Kind.REFUND_FAILED, "refund:re_1")
    assert audit.faults() == []


def test_a_dispute_is_compared_with_what_was_taken_and_given_back(
    purchase: Purchase, bob: Customer
) -> None:
    Dispute.objects.create(
        pk="du_1",
        purchase=purchase,
        amount_micros=HALF,
        status="won",
        money_out=True,
        money_in=True,
    )
    assert audit.faults() == [
        f"dispute:du_1:out: 0 taken back, not {HALF}",
        f"dispute:du_1:in: 0 given back, not {HALF}",
    ]
    claw_back(bob, HALF, Kind.DISPUTE, "dispute:du_1:out", Code.DISPUTES)
    deposit(bob, HALF, Kind.DISPUTE_WON, "dispute:du_1:in", Code.DISPUTES)
    assert stories.faults() == []


@pytest.mark.parametrize(("status", "frozen"), [("needs_response", False), ("won", True)])
def test_an_account_that_is_frozen_or_not_against_its_disputes_is_found(
    status: str, frozen: bool, purchase: Purchase, bob: Customer
) -> None:
    Dispute.objects.create(pk="du_1", purchase=purchase, amount_micros=1, status=status)
    ledger.set_frozen(bob.account, frozen=frozen)
    [fault] = audit.faults()
    assert "frozen" in fault
    ledger.set_frozen(bob.account, frozen=not frozen)
    assert audit.faults() == []


def test_a_debt_that_no_claw_back_explains_is_found(purchase: Purchase, bob: Customer) -> None:
    ledger.hold(bob.account, ALL, reference="generation:1")
    refunded(purchase, bob)
    book = ledger.book(bob.account)
    owed = book.receivable_micros
    assert (owed, audit.faults()) == (HALF - ALL // 20, [])

    sql("UPDATE billing_ledgeraccount SET receivable_micros = 7 WHERE id = %s", book.pk)
    assert audit.faults() == [f"account {book.pk}: owes 7, transfers say {owed}"]


def test_a_debt_that_was_paid_is_counted_as_paid(purchase: Purchase, bob: Customer) -> None:
    ledger.hold(bob.account, ALL, reference="generation:1")
    refunded(purchase, bob)
    Purchase.objects.create(
        account=bob.account,
        amount_micros=ALL,
        status=Purchase.Status.PAID,
        paid_at=timezone.now(),
        payment_intent="pi_2",
        charged_cents=2500,
    )
    deposit(bob, ALL, Kind.PURCHASE, "purchase:pi_2")
    assert ledger.book(bob.account).receivable_micros == 0
    assert stories.faults() == []


def granted(customer: Customer, dollars: str) -> Grant:
    ledger.grant(
        customer.account,
        money.parse(dollars),
        expires_at=timezone.now() + timedelta(days=1),
        reference=f"promo:{dollars}",
        memo="Promotion",
    )
    return Grant.objects.get(reference=f"promo:{dollars}")


def test_a_promotion_larger_than_the_balance_is_found(bob: Customer) -> None:
    granted(bob, "5")
    assert stories.faults() == []
    Grant.objects.update(amount_micros=ALL, remaining_micros=ALL)
    [fault] = audit.faults()
    assert "more than its balance" in fault


def test_a_promotion_that_the_account_does_not_know_of_is_found(bob: Customer) -> None:
    granted(bob, "5")
    LedgerAccount.objects.update(has_grants=False)
    [fault] = audit.faults()
    assert fault.endswith("is marked to have none")


def test_a_claw_back_that_takes_a_promotion_ends_it(purchase: Purchase, bob: Customer) -> None:
    """Otherwise the next purchase would expire in its place."""
    ledger.hold(bob.account, ALL + ALL // 20, reference="generation:1")
    ledger.capture("generation:1")
    grant = granted(bob, "5")
    refunded(purchase, bob)

    grant.refresh_from_db()
    assert grant.remaining_micros == 0
    deposit(bob, ALL, Kind.PROMOTION, "later", Code.PROMOTIONS)
    assert ledger.expire_grants(timezone.now() + timedelta(days=2)) == 0
    assert bob.balance_micros == ALL
    assert stories.faults() == []


def test_a_claw_back_that_leaves_enough_leaves_the_promotion(
    purchase: Purchase, bob: Customer
) -> None:
    grant = granted(bob, "5")
    refunded(purchase, bob)
    grant.refresh_from_db()
    assert grant.remaining_micros == money.parse("5")
    assert stories.faults() == []


def test_many_faults_of_one_kind_are_cut_short(
    bob: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "FAULTS_MAX", 2)
    for number in range(5):
        deposit(bob, 1, Kind.PURCHASE, f"purchase:{number}")
    found = audit.faults()
    assert len(found) == 3
    assert found[-1].startswith("and more: ")


def test_the_command_prints_debts_and_the_operators_accounts(
    purchase: Purchase, bob: Customer
) -> None:
    refunded(purchase, bob)
    printed = StringIO()
    call_command("audit", stdout=printed)
    found: dict[str, Any] = json.loads(printed.getvalue())
    assert found["ok"] is True
    assert found["balance"] == "13.75"
    assert found["receivable"] == "0.00"
    assert found["operator"] == {
        "stripe": "-12.50",
        "revenue": "0.00",
        "promotions": "-1.25",
        "disputes": "0.00",
        "receivables": "0.00",
    }
