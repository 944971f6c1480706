"""Credit set aside for a job: never more than there is, whoever asks at the same moment."""

from functools import partial

import pytest
from django.db import IntegrityError

from billing import ledger, money, sums
from billing.models import Hold, Transfer
from tests.billing.races import together
from tests.cast import Customer, customer

PRICE = money.parse("0.945")


def test_a_hold_lowers_what_can_be_spent_and_not_the_balance(alice: Customer) -> None:
    ledger.hold(alice.account, PRICE, reference="generation:1", memo="A horse")

    hold = Hold.objects.get(reference="generation:1")
    assert (hold.state, hold.amount_micros, hold.settled_at) == (Hold.State.HELD, PRICE, None)
    assert hold.memo == "A horse"
    assert alice.balance_micros == money.parse("25")
    assert alice.available_micros == money.parse("24.055")


def test_a_hold_books_no_transfer(alice: Customer) -> None:
    before = Transfer.objects.count()
    ledger.hold(alice.account, PRICE, reference="generation:1")
    assert Transfer.objects.count() == before


def test_the_last_micro_dollar_can_be_held(charlie: Customer) -> None:
    ledger.hold(charlie.account, money.parse("5"), reference="generation:1")
    assert charlie.available_micros == 0


def test_one_micro_dollar_more_than_there_is_cannot(charlie: Customer) -> None:
    with pytest.raises(ledger.InsufficientCredit) as refused:
        ledger.hold(charlie.account, money.parse("5") + 1, reference="generation:1")
    assert refused.value.missing_micros == 1
    assert charlie.available_micros == money.parse("5")
    assert not Hold.objects.exists()


def test_the_refusal_names_price_balance_and_what_is_missing(bob: Customer) -> None:
    with pytest.raises(ledger.InsufficientCredit) as refused:
        ledger.hold(bob.account, PRICE, reference="generation:1")
    assert (refused.value.price_micros, refused.value.available_micros) == (PRICE, 0)
    assert str(refused.value) == (
        "This costs $0.945 and you have $0.00 to spend. Add at least $0.945 of credit."
    )


def test_credit_held_by_another_job_cannot_be_held_again(charlie: Customer) -> None:
    ledger.hold(charlie.account, money.parse("3"), reference="generation:1")
    with pytest.raises(ledger.InsufficientCredit) as refused:
        ledger.hold(charlie.account, money.parse("3"), reference="generation:2")
    assert refused.value.available_micros == money.parse("2")
    assert refused.value.missing_micros == money.parse("1")


@pytest.mark.django_db(transaction=True)
def test_a_reference_holds_once_and_the_second_try_takes_nothing(alice: Customer) -> None:
    ledger.hold(alice.account, PRICE, reference="generation:1")
    with pytest.raises(IntegrityError):
        ledger.hold(alice.account, PRICE, reference="generation:1")
    assert alice.available_micros == money.parse("24.055")
    assert sums.audit().faults == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("amount_micros", [0, -1, -PRICE])
def test_nothing_and_less_than_nothing_cannot_be_held(alice: Customer, amount_micros: int) -> None:
    ledger.hold(alice.account, PRICE, reference="generation:1")
    with pytest.raises(IntegrityError, match=r"hold_positive|held_not_negative"):
        ledger.hold(alice.account, amount_micros, reference="generation:2")
    assert alice.available_micros == money.parse("24.055")
    assert sums.audit().faults == []


@pytest.mark.django_db(transaction=True)
def test_fifty_holds_at_the_same_moment_against_credit_for_ten_give_ten() -> None:
    dora = customer("dora", "9.45")

    answers = together(
        [partial(ledger.hold, dora.account, PRICE, reference=f"generation:{n}") for n in range(50)]
    )

    assert sum(answer is None for answer in answers) == 10
    assert sum(isinstance(answer, ledger.InsufficientCredit) for answer in answers) == 40
    assert (dora.available_micros, dora.balance_micros) == (0, money.parse("9.45"))
    assert sums.audit().live.held_micros == money.parse("9.45")
    assert sums.audit().faults == []


@pytest.mark.django_db(transaction=True)
def test_of_ten_holds_of_one_reference_at_the_same_moment_one_holds(alice: Customer) -> None:
    answers = together([partial(ledger.hold, alice.account, PRICE, reference="generation:1")] * 10)
    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, IntegrityError) for answer in answers) == 9
    assert alice.available_micros == money.parse("24.055")
    assert sums.audit().faults == []
