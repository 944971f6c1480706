"""A hold ends once: captured into revenue, or released in full."""

from collections.abc import Callable
from functools import partial

import pytest

from billing import ledger, money, sums
from billing.models import Hold, LedgerAccount, Transfer
from tests.billing.races import together
from tests.cast import Customer

PRICE = money.parse("0.945")
HAD = money.parse("25")
LEFT = money.parse("24.055")
JOB = "generation:1"


@pytest.fixture
def held(alice: Customer) -> Hold:
    """$0.945 of Alice's credit, set aside for a job."""
    ledger.hold(alice.account, PRICE, reference=JOB, memo="A horse")
    return Hold.objects.get(reference=JOB)


def test_a_capture_turns_the_hold_into_revenue(alice: Customer, held: Hold) -> None:
    assert ledger.capture(JOB)

    held.refresh_from_db()
    transfer = Transfer.objects.get(kind=Transfer.Kind.CAPTURE)
    assert held.state == Hold.State.CAPTURED
    assert held.settled_at is not None
    assert transfer.debit.account == alice.account
    assert transfer.credit.code == LedgerAccount.Code.REVENUE
    assert (transfer.amount_micros, transfer.reference) == (PRICE, JOB)
    assert transfer.memo == "A horse"
    assert alice.balance_micros == alice.available_micros == LEFT


def test_a_release_gives_everything_back_and_books_nothing(alice: Customer, held: Hold) -> None:
    before = Transfer.objects.count()
    assert ledger.release(JOB)

    held.refresh_from_db()
    assert held.state == Hold.State.RELEASED
    assert held.settled_at is not None
    assert alice.balance_micros == alice.available_micros == HAD
    assert Transfer.objects.count() == before


@pytest.mark.parametrize("first", [ledger.capture, ledger.release])
@pytest.mark.parametrize("second", [ledger.capture, ledger.release])
@pytest.mark.usefixtures("held")
def test_what_is_settled_stays_as_it_was_settled(
    alice: Customer, first: Callable[[str], bool], second: Callable[[str], bool]
) -> None:
    assert first(JOB)
    balance, state = alice.balance_micros, Hold.objects.get().state

    assert not second(JOB)

    assert (alice.balance_micros, Hold.objects.get().state) == (balance, state)
    assert alice.available_micros == balance
    assert sums.audit().faults == []


@pytest.mark.parametrize("settle", [ledger.capture, ledger.release])
def test_a_reference_that_never_held_settles_nothing(
    alice: Customer, settle: Callable[[str], bool]
) -> None:
    assert not settle("generation:none")
    assert alice.balance_micros == HAD


@pytest.mark.usefixtures("held")
def test_settling_one_hold_leaves_the_others_held(alice: Customer) -> None:
    ledger.hold(alice.account, PRICE, reference="generation:2")
    ledger.capture(JOB)
    assert ledger.book(alice.account).held_micros == PRICE
    ledger.release("generation:2")
    assert ledger.book(alice.account).held_micros == 0
    assert alice.available_micros == LEFT


def test_released_credit_can_be_held_again(charlie: Customer) -> None:
    everything = money.parse("5")
    ledger.hold(charlie.account, everything, reference=JOB)
    ledger.release(JOB)
    ledger.hold(charlie.account, everything, reference="generation:2")
    assert charlie.available_micros == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("held")
def test_of_ten_captures_at_the_same_moment_one_charges(alice: Customer) -> None:
    answers = together([partial(ledger.capture, JOB)] * 10)
    assert (answers.count(True), answers.count(False)) == (1, 9)
    assert alice.balance_micros == alice.available_micros == LEFT
    assert sums.audit().faults == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("held")
def test_of_ten_releases_at_the_same_moment_one_gives_back(alice: Customer) -> None:
    answers = together([partial(ledger.release, JOB)] * 10)
    assert (answers.count(True), answers.count(False)) == (1, 9)
    assert alice.available_micros == HAD
    assert sums.audit().faults == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_when_captures_race_releases_one_of_all_wins(
    alice: Customer, held: Hold, round_: int
) -> None:
    answers = together([partial(ledger.capture, JOB), partial(ledger.release, JOB)] * 5)
    assert (answers.count(True), answers.count(False)) == (1, 9), round_
    held.refresh_from_db()
    winner = Hold.State.RELEASED if answers.index(True) % 2 else Hold.State.CAPTURED
    assert held.state == winner
    assert alice.balance_micros == (HAD if winner == Hold.State.RELEASED else LEFT)
    assert sums.audit().faults == []


@pytest.mark.django_db(transaction=True)
def test_deposits_holds_and_settlements_of_one_account_never_block_each_other(
    alice: Customer,
) -> None:
    jobs = [f"generation:{n}" for n in range(8)]
    for job in jobs:
        ledger.hold(alice.account, PRICE, reference=job)
    give = partial(
        ledger.deposit,
        alice.account,
        HAD,
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
    )

    answers = together(
        [partial(ledger.capture, job) for job in jobs[:4]]
        + [partial(ledger.release, job) for job in jobs[4:]]
        + [partial(give, reference=f"purchase:{n}") for n in range(4)]
    )

    assert answers == [True] * 12
    assert alice.balance_micros == alice.available_micros == 5 * HAD - 4 * PRICE
    assert sums.audit().faults == []
