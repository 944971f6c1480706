"""Any sequence of movements leaves the ledger where the oracle says, step by step.

10,000 steps by default; LEDGER_STEPS asks for more, LEDGER_SEED replays a run.
"""

import os
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Account
from billing import ledger, sums
from billing.models import Grant, Hold, LedgerAccount, Transfer
from tests.billing.purse import Purse

STEPS = int(os.environ.get("LEDGER_STEPS", "10000"))
SEED = int(os.environ.get("LEDGER_SEED", str(secrets.randbelow(2**32))))
STEPS_A_RUN = 50
CUSTOMERS = 2
BEGIN = timezone.now()

Code = LedgerAccount.Code
Kind = Transfer.Kind

who = st.integers(0, CUSTOMERS - 1)
amounts = st.integers(1, 3_000_000)
days = st.integers(1, 30)
picks = st.integers(0, 10**6)


def day(number: int) -> datetime:
    """Return the moment of a day of the run."""
    return BEGIN + timedelta(days=number)


class Books(RuleBasedStateMachine):
    """The real ledger beside one Purse for each customer."""

    steps_taken = 0

    def __init__(self) -> None:
        super().__init__()
        self.names = count()
        # One transaction a run, rolled back at its end: runs do not see each other.
        self.run = transaction.atomic()
        self.run.__enter__()
        self.accounts = [Account.objects.create(name=f"machine {n}") for n in range(CUSTOMERS)]
        self.purses = [Purse() for _ in self.accounts]
        self.jobs: list[tuple[int, str]] = []
        self.charged: list[tuple[int, str, int]] = []
        self.taken: list[tuple[int, int, str]] = []
        self.today = 0

    def teardown(self) -> None:
        assert sums.audit().faults == []
        transaction.set_rollback(True)
        self.run.__exit__(None, None, None)

    def name(self) -> str:
        return f"machine {next(self.names)}"

    def twice(self, book: Callable[[], bool]) -> None:
        """Do something that says whether it did it; the second time it must do nothing."""
        assert book() is True
        assert book() is False

    @rule(who=who, amount=amounts)
    def buy(self, who: int, amount: int) -> None:
        reference = self.name()
        self.purses[who].pay_in(amount)
        self.twice(
            lambda: ledger.deposit(
                self.accounts[who],
                amount,
                source=Code.STRIPE,
                kind=Kind.PURCHASE,
                reference=reference,
            )
        )

    @rule(who=who, amount=amounts, life=days)
    def promote(self, who: int, amount: int, life: int) -> None:
        reference = self.name()
        self.purses[who].promote(amount, self.today + life)
        self.twice(
            lambda: ledger.grant(
                self.accounts[who],
                amount,
                expires_at=day(self.today + life),
                reference=reference,
                memo="",
            )
        )

    @rule(who=who, amount=amounts)
    def hold(self, who: int, amount: int) -> None:
        job, missing = self.name(), 0
        try:
            ledger.hold(self.accounts[who], amount, reference=job)
            outcome = "held"
        except ledger.AccountFrozen:
            outcome = "frozen"
        except ledger.InsufficientCredit as error:
            outcome = "short"
            missing = error.missing_micros
        assert outcome == self.purses[who].hold(job, amount)
        assert missing == (amount - self.purses[who].available if outcome == "short" else 0)
        if outcome == "held":
            self.jobs.append((who, job))

    @precondition(lambda self: bool(self.jobs))
    @rule(pick=picks, charge=st.booleans())
    def settle(self, pick: int, charge: bool) -> None:
        who, job = self.jobs.pop(pick % len(self.jobs))
        if charge:
            self.charged.append((who, job, self.purses[who].held[job]))
            self.purses[who].capture(job)
            self.twice(lambda: ledger.capture(job))
            assert ledger.release(job) is False
        else:
            del self.purses[who].held[job]
            self.twice(lambda: ledger.release(job))
            assert ledger.capture(job) is False

    @precondition(lambda self: bool(self.charged))
    @rule(pick=picks, part=amounts)
    def film_comes_out_shorter(self, pick: int, part: int) -> None:
        who, job, price = self.charged.pop(pick % len(self.charged))
        if part < price:
            self.purses[who].give_back(part)
            self.twice(lambda: ledger.give_back(job, part, ""))
        else:
            with pytest.raises(Hold.DoesNotExist):
                ledger.give_back(job, part, "")

    @rule(who=who, amount=amounts)
    def refund_or_dispute(self, who: int, amount: int) -> None:
        reference = self.name()
        self.purses[who].claw_back(amount)
        self.taken.append((who, amount, reference))
        self.twice(
            lambda: ledger.claw_back(
                self.accounts[who], amount, to=Code.STRIPE, kind=Kind.REFUND, reference=reference
            )
        )

    @precondition(lambda self: bool(self.taken))
    @rule(pick=picks)
    def refund_fails_or_dispute_is_won(self, pick: int) -> None:
        who, amount, reference = self.taken.pop(pick % len(self.taken))
        self.purses[who].pay_in(amount)
        self.twice(
            lambda: ledger.deposit(
                self.accounts[who],
                amount,
                source=Code.STRIPE,
                kind=Kind.REFUND_FAILED,
                reference=reference,
            )
        )

    @rule(who=who, frozen=st.booleans())
    def freeze_or_thaw(self, who: int, frozen: bool) -> None:
        ledger.set_frozen(self.accounts[who], frozen=frozen)
        self.purses[who].frozen = frozen

    @rule(passed=days)
    def time_passes(self, passed: int) -> None:
        self.today += passed
        ledger.expire_grants(day(self.today))
        for purse in self.purses:
            purse.expire(self.today)

    @invariant()
    def agrees_with_the_oracle(self) -> None:
        Books.steps_taken += 1
        for account, purse in zip(self.accounts, self.purses, strict=True):
            book = ledger.book(account)
            assert book.available_micros >= 0
            assert (book.balance_micros, book.held_micros, book.receivable_micros) == (
                purse.balance,
                sum(purse.held.values()),
                purse.owed,
            )
            unused = Grant.objects.filter(account=account, remaining_micros__gt=0)
            assert sorted(unused.values_list("remaining_micros", flat=True)) == sorted(
                one.rest for one in purse.promotions if one.rest
            )


@pytest.mark.django_db
def test_the_ledger_never_leaves_its_oracle(
    record_property: Callable[[str, object], None],
) -> None:
    record_property("figure", f"ledger machine: LEDGER_SEED={SEED}")
    machine = seed(SEED)(Books)
    run_state_machine_as_test(
        machine,
        settings=settings(
            # Some runs end early: a few more of them make up for that.
            max_examples=STEPS * 6 // (5 * STEPS_A_RUN) + 2,
            stateful_step_count=STEPS_A_RUN,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Books.steps_taken >= STEPS
    record_property("figure", f"ledger machine: {Books.steps_taken} steps")
