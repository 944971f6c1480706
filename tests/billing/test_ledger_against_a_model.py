"""Any sequence of movements leaves the ledger where a few lines of plain Python say."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from billing import ledger
from billing.models import LedgerAccount, Transfer

JOBS = 6
STEPS_MAX = 30

jobs = st.integers(1, JOBS)
sums = st.integers(1, 3_000_000)
steps = st.one_of(
    st.tuples(st.just("deposit"), jobs, sums),
    st.tuples(st.just("hold"), jobs, sums),
    st.tuples(st.just("capture"), jobs, st.just(0)),
    st.tuples(st.just("release"), jobs, st.just(0)),
)


@dataclass
class Purse:
    """What the ledger promises, for one customer, without a database."""

    balance: int = 0
    deposits: set[int] = field(default_factory=set)
    held: dict[int, int] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)

    @property
    def available(self) -> int:
        return self.balance - sum(self.held.values())

    def take(self, step: str, job: int, amount: int) -> str:
        """Do the step and name its outcome."""
        match step:
            case "deposit" if job not in self.deposits:
                self.deposits.add(job)
                self.balance += amount
            case "hold" if amount > self.available:
                return "insufficient"
            case "hold":
                self.held[job] = amount
                self.used.add(job)
            case "capture" if job in self.held:
                self.balance -= self.held.pop(job)
            case "release" if job in self.held:
                del self.held[job]
            case _:
                return "nothing"
        return "done"


def move(account: Account, step: str, job: int, amount: int) -> str:
    """Do the step to the real ledger and name its outcome."""
    reference = f"{account.pk}:{job}"
    if step == "hold":
        try:
            ledger.hold(account, amount, reference=reference)
        except ledger.InsufficientCredit:
            return "insufficient"
        return "done"
    if step == "deposit":
        moved = ledger.deposit(
            account,
            amount,
            source=LedgerAccount.Code.STRIPE,
            kind=Transfer.Kind.PURCHASE,
            reference=reference,
        )
    else:
        moved = {"capture": ledger.capture, "release": ledger.release}[step](reference)
    return "done" if moved else "nothing"


@pytest.mark.django_db
@given(st.lists(steps, max_size=STEPS_MAX))
@settings(
    max_examples=60,
    deadline=None,
    # Each example works on an account of its own, so the database may be shared by all.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_sequence_ends_where_the_model_ends(sequence: list[tuple[str, int, int]]) -> None:
    account, purse = Account.objects.create(name="model"), Purse()
    for step, job, amount in sequence:
        if step == "hold" and job in purse.used:
            continue
        assert move(account, step, job, amount) == purse.take(step, job, amount)
        book = ledger.book(account)
        assert (book.balance_micros, book.available_micros) == (purse.balance, purse.available)
    newest = ledger.statement(account).first()
    assert (newest.running_micros if newest else 0) == purse.balance
    assert ledger.audit().faults == []
