"""Credit comes in: once for each reference, out of one of the operator's accounts."""

from functools import partial

import pytest
from django.db import IntegrityError

from accounts.models import Account
from billing import ledger, money, sums
from billing.models import LedgerAccount, Transfer
from tests.billing.races import together
from tests.cast import Customer, customer

TEN = money.parse("10")


def deposit(account: Account, reference: str, amount_micros: int = TEN) -> bool:
    return ledger.deposit(
        account,
        amount_micros,
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
        reference=reference,
        memo="Credit bought",
    )


def test_a_deposit_moves_money_from_the_operators_account_to_the_customers(bob: Customer) -> None:
    assert deposit(bob.account, "purchase:1")

    transfer = Transfer.objects.get()
    assert transfer.debit.code == LedgerAccount.Code.STRIPE
    assert transfer.credit.account == bob.account
    assert transfer.amount_micros == bob.balance_micros == bob.available_micros == TEN
    assert (transfer.kind, transfer.memo) == (Transfer.Kind.PURCHASE, "Credit bought")


def test_the_operators_own_row_carries_no_running_balance(bob: Customer) -> None:
    deposit(bob.account, "purchase:1")
    operator = LedgerAccount.objects.get(code=LedgerAccount.Code.STRIPE)
    assert (operator.balance_micros, operator.held_micros) == (0, 0)


def test_the_same_reference_again_changes_nothing(bob: Customer) -> None:
    assert deposit(bob.account, "purchase:1")
    assert not deposit(bob.account, "purchase:1")
    assert not deposit(bob.account, "purchase:1", money.parse("99"))
    assert bob.balance_micros == TEN
    assert Transfer.objects.count() == 1


def test_a_reference_used_for_another_customer_credits_nobody_else(
    bob: Customer, charlie: Customer
) -> None:
    deposit(bob.account, "purchase:1")
    assert not deposit(charlie.account, "purchase:1")
    assert charlie.balance_micros == money.parse("5")


def test_the_same_reference_under_another_kind_is_another_fact(bob: Customer) -> None:
    deposit(bob.account, "spring")
    assert ledger.deposit(
        bob.account,
        TEN,
        source=LedgerAccount.Code.PROMOTIONS,
        kind=Transfer.Kind.PROMOTION,
        reference="spring",
    )
    assert bob.balance_micros == 2 * TEN


@pytest.mark.parametrize("amount_micros", [0, -1, -TEN])
def test_nothing_and_less_than_nothing_cannot_be_deposited(
    alice: Customer, amount_micros: int
) -> None:
    with pytest.raises(IntegrityError, match="transfer_positive"):
        deposit(alice.account, "purchase:1", amount_micros)


@pytest.mark.django_db(transaction=True)
def test_a_refused_deposit_leaves_the_balance_alone(alice: Customer) -> None:
    with pytest.raises(IntegrityError):
        deposit(alice.account, "purchase:1", -TEN)
    assert alice.balance_micros == money.parse("25")
    assert sums.audit().faults == []


@pytest.mark.django_db(transaction=True)
def test_of_twenty_deposits_of_one_fact_at_the_same_moment_one_counts(bob: Customer) -> None:
    answers = together([partial(deposit, bob.account, "purchase:1")] * 20)
    assert (answers.count(True), answers.count(False)) == (1, 19)
    assert bob.balance_micros == TEN
    assert sums.audit().faults == []


@pytest.mark.django_db(transaction=True)
def test_twenty_different_deposits_at_the_same_moment_all_count(bob: Customer) -> None:
    answers = together([partial(deposit, bob.account, f"purchase:{n}") for n in range(20)])
    assert answers == [True] * 20
    assert bob.balance_micros == 20 * TEN
    assert sums.audit().faults == []


@pytest.mark.django_db(transaction=True)
def test_first_deposits_of_new_customers_share_one_operators_account() -> None:
    newcomers = [customer(f"newcomer{n}").account for n in range(8)]
    answers = together([partial(deposit, one, f"purchase:{one.pk}") for one in newcomers])
    assert answers == [True] * 8
    assert LedgerAccount.objects.filter(code=LedgerAccount.Code.STRIPE).count() == 1
    assert sums.audit().live.balance_micros == 8 * TEN


@pytest.mark.django_db(transaction=True)
def test_a_customers_book_is_opened_once_however_many_ask_first() -> None:
    account = Account.objects.create(name="new")
    books = together([partial(ledger.book, account)] * 10)
    assert {getattr(book, "pk", book) for book in books} == {LedgerAccount.objects.get().pk}
