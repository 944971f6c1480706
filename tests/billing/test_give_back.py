"""A part of a charge comes back once, less than the charge, to whoever paid it."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from billing import alerts, audit, ledger, money, statement, sums
from billing.models import Alert, Grant, Hold, LedgerAccount, Transfer
from tests.billing.races import together
from tests.cast import Customer

PRICE = money.parse("0.945")
PART = money.parse("0.378")
HAD = money.parse("25")
JOB = "generation:1"
Kind = Transfer.Kind


@pytest.fixture
def charged(alice: Customer) -> None:
    """Alice has paid $0.945 for a job."""
    ledger.hold(alice.account, PRICE, reference=JOB, memo="A horse")
    ledger.capture(JOB)


@pytest.mark.usefixtures("charged")
def test_a_part_comes_back_out_of_revenue(alice: Customer) -> None:
    assert ledger.give_back(JOB, PART, "A horse, shorter")

    back = Transfer.objects.get(kind=Kind.SHORTFALL)
    assert (back.debit.code, back.credit.account) == (LedgerAccount.Code.REVENUE, alice.account)
    assert (back.amount_micros, back.reference, back.memo) == (PART, JOB, "A horse, shorter")
    assert alice.balance_micros == alice.available_micros == HAD - PRICE + PART
    assert audit.operator_micros()["revenue"] == PRICE - PART
    assert sums.audit().faults == audit.faults() == []


@pytest.mark.usefixtures("charged")
def test_the_second_time_nothing_comes_back(alice: Customer) -> None:
    assert ledger.give_back(JOB, PART, "")
    assert not ledger.give_back(JOB, 1, "")
    assert alice.balance_micros == HAD - PRICE + PART


@pytest.mark.parametrize("amount", [PRICE, PRICE + 1])
@pytest.mark.usefixtures("charged")
def test_never_as_much_as_was_charged(alice: Customer, amount: int) -> None:
    with pytest.raises(Hold.DoesNotExist):
        ledger.give_back(JOB, amount, "")
    assert alice.balance_micros == HAD - PRICE


def test_nothing_of_a_job_that_was_not_charged(alice: Customer) -> None:
    ledger.hold(alice.account, PRICE, reference=JOB)
    with pytest.raises(Hold.DoesNotExist):
        ledger.give_back(JOB, PART, "")
    ledger.release(JOB)
    with pytest.raises(Hold.DoesNotExist):
        ledger.give_back(JOB, PART, "")
    assert alice.available_micros == HAD


def test_what_a_promotion_paid_comes_back_as_credit_that_does_not_end(bob: Customer) -> None:
    ends = timezone.now() + timedelta(days=1)
    ledger.grant(bob.account, PRICE, expires_at=ends, reference="promotion:1", memo="")
    ledger.hold(bob.account, PRICE, reference=JOB)
    ledger.capture(JOB)

    ledger.give_back(JOB, PART, "")
    ledger.expire_grants(ends)

    assert Grant.objects.get().remaining_micros == 0
    assert bob.available_micros == PART
    assert audit.faults() == []


@pytest.mark.usefixtures("charged")
def test_what_comes_back_pays_no_debts_just_as_a_released_hold_pays_none(alice: Customer) -> None:
    ledger.claw_back(
        alice.account, HAD, to=LedgerAccount.Code.STRIPE, kind=Kind.REFUND, reference="refund:1"
    )

    ledger.give_back(JOB, PART, "")

    assert alice.available_micros == PART
    assert ledger.book(alice.account).receivable_micros == PRICE


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("charged")
def test_of_ten_at_the_same_moment_one_gives_back(alice: Customer) -> None:
    answers = together([partial(ledger.give_back, JOB, PART, "")] * 10)

    assert (answers.count(True), answers.count(False)) == (1, 9)
    assert alice.balance_micros == HAD - PRICE + PART


@pytest.mark.usefixtures("charged")
def test_the_audit_names_what_came_back_without_its_charge(
    alice: Customer, charlie: Customer
) -> None:
    give = partial(ledger.deposit, source=LedgerAccount.Code.REVENUE, kind=Kind.SHORTFALL)
    give(alice.account, PART, reference="generation:none")
    give(charlie.account, PART, reference=JOB)

    assert audit.faults() == [
        f"shortfall generation:none: {PART} given back, though no more was charged",
        f"shortfall {JOB}: {PART} given back, though no more was charged",
    ]


@pytest.mark.usefixtures("charged")
def test_it_stands_among_the_films_of_the_statement(alice: Customer) -> None:
    ledger.give_back(JOB, PART, "")

    films = statement.Choice(group=statement.Group.FILMS)
    lines = statement.lines(alice.account, statement.movements(alice.account, films))

    assert [(line.kind, line.change_micros) for line in lines] == [
        ("shortfall", PART),
        ("capture", -PRICE),
    ]
    assert lines[0].what == "Video shorter than asked"


@pytest.mark.usefixtures("charged")
def test_the_months_spending_is_less_what_came_back(alice: Customer) -> None:
    alerts.add(alice.account, Alert.Kind.SPEND, PRICE - PART)
    ledger.give_back(JOB, PART, "")

    assert alerts.watch(timezone.now()) == 0

    ledger.hold(alice.account, 1, reference="generation:2")
    ledger.capture("generation:2")
    assert alerts.watch(timezone.now()) == 1
