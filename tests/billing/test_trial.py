"""Test credit: given for nothing, spent like real credit, and never mixed with it."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pytest_django import Settings

from accounts import twins
from accounts.models import Account
from billing import (
    audit,
    checkout,
    customers,
    ledger,
    money,
    promotions,
    sums,
    topup_rule,
    trial,
)
from billing.models import (
    Grant,
    Hold,
    LedgerAccount,
    PaymentProfile,
    PromoCode,
    Purchase,
    Transfer,
)
from tests import cast
from tests.billing.races import together
from tests.cast import Customer

Code = LedgerAccount.Code
Kind = Transfer.Kind

FULL = 100_000_000
PRICE = money.parse("0.945")
JOB = "generation:1"
REAL = [code for code in Code if code not in ledger.TEST]


def spend(tess: Customer, reference: str = JOB, amount_micros: int = PRICE) -> None:
    ledger.hold(tess.account, amount_micros, reference=reference)
    assert ledger.capture(reference)


def refill(tester: Customer, seconds: float = 61) -> int:
    """Fill up so long after the test credit was given."""
    return trial.refill(tester.account, timezone.now() + timedelta(seconds=seconds))


def test_a_twin_begins_with_a_hundred_dollars_out_of_its_own_books(tess: Customer) -> None:
    assert tess.available_micros == FULL
    books = audit.operator_micros()
    assert books == dict.fromkeys(Code.values, 0) | {
        "test_credit": -FULL,
        "promotions": -25_000_000,
    }
    assert sums.audit().test == sums.Totals(1, FULL, 0)
    assert sums.audit().live == sums.Totals(1, 25_000_000, 0)


def test_what_a_twin_spends_is_test_revenue(tess: Customer, alice: Customer) -> None:
    spend(tess)
    ledger.give_back(JOB, 189_000, "came out shorter")
    ledger.hold(alice.account, PRICE, reference="generation:2")
    ledger.capture("generation:2")

    books = audit.operator_micros()
    assert books["test_revenue"] == PRICE - 189_000
    assert books["revenue"] == PRICE
    assert tess.balance_micros == FULL - PRICE + 189_000
    assert alice.balance_micros == 25_000_000 - PRICE
    assert sums.audit().faults == audit.faults() == []


def test_a_twin_can_spend_no_more_than_it_has(tess: Customer) -> None:
    with pytest.raises(ledger.InsufficientCredit):
        ledger.hold(tess.account, FULL + 1, reference=JOB)


def test_what_a_twin_spends_counts_as_no_payment(tess: Customer) -> None:
    spend(tess)
    assert list(Account.objects.values_list("paid_micros", flat=True)) == [0, 0]


# Filling up.


def test_refilling_makes_it_a_hundred_dollars_again(tess: Customer) -> None:
    spend(tess)

    assert refill(tess) == PRICE
    assert tess.available_micros == FULL
    assert sums.audit().faults == audit.faults() == []


def test_what_is_held_is_filled_up_too(tess: Customer) -> None:
    ledger.hold(tess.account, PRICE, reference=JOB)

    assert refill(tess) == PRICE
    ledger.release(JOB)
    with pytest.raises(trial.RefillRefused, match="full"):
        refill(tess)


def test_it_is_refilled_once_a_minute(tess: Customer) -> None:
    spend(tess)
    with pytest.raises(trial.RefillRefused, match="Wait a minute"):
        refill(tess, seconds=59)
    assert tess.available_micros == FULL - PRICE


def test_live_credit_is_not_filled_up(alice: Customer) -> None:
    with pytest.raises(trial.RefillRefused, match="test mode"):
        refill(alice)
    assert alice.balance_micros == 25_000_000


@pytest.mark.django_db(transaction=True)
def test_of_ten_refills_at_once_one_is_given() -> None:
    tess = cast.tester(cast.customer("dora"))
    spend(tess)

    outcomes = together([lambda: refill(tess)] * 10)

    assert sorted(map(str, outcomes))[:1] == [str(PRICE)]
    assert sum(isinstance(one, trial.RefillRefused) for one in outcomes) == 9
    assert tess.available_micros == FULL


# Real money.


def buy(account: Account) -> object:
    return checkout.start(account, 25_000_000, email="tess@example.org")


def redeem(account: Account) -> object:
    PromoCode.objects.create(
        code="HORSE",
        amount_micros=5_000_000,
        life_days=30,
        redemptions_max=9,
        valid_until=timezone.now() + timedelta(days=1),
    )
    return promotions.redeem(account, "HORSE")


REFUSED: list[Callable[[Account], object]] = [
    buy,
    redeem,
    promotions.welcome,
    lambda account: topup_rule.write(account, topup_rule.first_terms(25_000_000)),
    lambda account: customers.portal(account, "tess@example.org"),
    lambda account: customers.customer_of(account, "tess@example.org"),
]


@pytest.mark.parametrize("ask", REFUSED)
def test_nothing_real_is_bought_or_given_in_test_mode(
    ask: Callable[[Account], object], tess: Customer, settings: Settings
) -> None:
    settings.SIGNUP_CREDIT = "5"
    before = Transfer.objects.count()

    with pytest.raises(twins.LiveOnly, match="Nothing costs money in test mode"):
        ask(tess.account)

    assert Transfer.objects.count() == before
    for table in (Purchase, PaymentProfile, Grant):
        assert not table.objects.exists()
    assert tess.available_micros == FULL


# No transfer joins the two.


@pytest.mark.parametrize("code", REAL)
def test_no_real_account_gives_to_a_twin_or_takes_from_it(code: Code, tess: Customer) -> None:
    reference = "by hand"
    works: list[Callable[[], bool]] = [
        lambda: ledger.deposit(
            tess.account, 1, source=code, kind=Kind.PROMOTION, reference=reference
        ),
        lambda: ledger.claw_back(tess.account, 1, to=code, kind=Kind.REFUND, reference=reference),
    ]
    for work in works:
        with (
            pytest.raises(IntegrityError, match="live and test credit never mix"),
            transaction.atomic(),
        ):
            work()
    assert tess.available_micros == FULL
    assert Account.objects.get(pk=tess.account.pk).paid_micros == 0


@pytest.mark.parametrize("code", sorted(ledger.TEST))
def test_test_credit_reaches_no_live_account(code: Code, alice: Customer) -> None:
    with (
        pytest.raises(IntegrityError, match="live and test credit never mix"),
        transaction.atomic(),
    ):
        ledger.deposit(alice.account, 1, source=code, kind=Kind.PROMOTION, reference="by hand")
    assert alice.available_micros == 25_000_000


@pytest.mark.django_db
def test_whatever_two_accounts_a_transfer_joins_they_are_of_one_mode() -> None:
    dora, emil = cast.customer("dora", "5"), cast.customer("emil", "5")
    own = [one.account for one in (dora, emil, cast.tester(dora), cast.tester(emil))]
    books = [ledger.book(account) for account in own]
    books += [LedgerAccount.objects.get_or_create(code=code)[0] for code in Code]
    names = count()
    any_book, any_kind = st.sampled_from(books), st.sampled_from(list(Kind))

    def is_test(book: LedgerAccount) -> bool:
        return book.account.is_test if book.account else book.code in ledger.TEST

    @effort(deadline=None, max_examples=300)
    @given(any_book, any_book, any_kind, st.integers(1, FULL))
    def book(debit: LedgerAccount, credit: LedgerAccount, kind: Kind, amount_micros: int) -> None:
        row = Transfer(
            debit=debit,
            credit=credit,
            kind=kind,
            amount_micros=amount_micros,
            reference=f"any {next(names)}",
        )
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            assert debit == credit or is_test(debit) != is_test(credit)
        else:
            assert is_test(debit) == is_test(credit)

    book()
    modes = {True, False}
    assert {is_test(row.debit) for row in Transfer.objects.all()} == modes


def test_the_audit_names_what_moves_on_the_wrong_side_of_the_test_books(tess: Customer) -> None:
    ledger.deposit(
        tess.account, 1, source=Code.TEST_CREDIT, kind=Kind.PROMOTION, reference="by hand"
    )
    assert audit.faults() == ["transfers of kind promotion go from test_credit to tester"]


def test_the_audit_proves_test_balances_and_holds_too(tess: Customer) -> None:
    ledger.hold(tess.account, PRICE, reference=JOB)
    assert sums.audit().test == sums.Totals(1, FULL, PRICE)
    LedgerAccount.objects.filter(account=tess.account).update(balance_micros=FULL - 1)
    Hold.objects.update(amount_micros=1)
    book = ledger.book(tess.account)
    assert sums.audit().faults == [
        f"account {book.pk}: balance {FULL - 1}, transfers {FULL}",
        f"account {book.pk}: held {PRICE}, open holds 1",
    ]
