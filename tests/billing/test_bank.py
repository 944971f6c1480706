"""Thirty-two threads move the money of twenty accounts and a hot one; the books add up.

BANK_SECONDS says for how long (20 by default), BANK_SEED replays the choices.
"""

import os
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from accounts.models import Account
from billing import ledger, money, sums
from billing.models import Hold, LedgerAccount, Transfer
from tests.billing.races import together

SECONDS = float(os.environ.get("BANK_SECONDS", "20"))
SEED = int(os.environ.get("BANK_SEED", str(secrets.randbelow(2**32))))
THREADS = 32
ACCOUNTS = 20
# One move in three goes to the one account that everybody wants.
HOT_SHARE = 3
JOBS_KEPT_MAX = 500

Code = LedgerAccount.Code
Kind = Transfer.Kind
Record = Callable[[str, object], None]


class Teller:
    """One thread's way of moving money at random; all share the list of open jobs."""

    def __init__(self, number: int, accounts: list[Account], jobs: list[str]) -> None:
        # A test's dice, replayed by its seed.
        self.dice = random.Random(SEED + number)  # noqa: S311
        self.number = number
        self.accounts = accounts
        self.jobs = jobs
        self.names = count()
        self.done: Counter[str] = Counter()

    def work(self, until: float) -> Counter[str]:
        """Move money until the time is up; return how often each move was made."""
        moves: list[Callable[[], None]] = [
            self.buy, self.promote, self.hold, self.hold, self.hold, self.settle, self.settle,
            self.settle, self.refund, self.win_dispute, self.freeze, self.expire,
        ]  # fmt: skip
        while time.monotonic() < until:
            move = self.dice.choice(moves)
            try:
                move()
            except OperationalError as error:
                if not isinstance(error.__cause__, DeadlockDetected):
                    raise
                self.done["deadlocks"] += 1
            else:
                self.done[move.__name__] += 1
            finally:
                # Back to the pool, as after a request: there are fewer connections than threads.
                connection.close()
        return self.done

    def name(self) -> str:
        return f"bank {self.number} {next(self.names)}"

    def somebody(self) -> Account:
        hot = self.dice.randrange(HOT_SHARE) == 0
        return self.accounts[0] if hot else self.dice.choice(self.accounts)

    def amount(self) -> int:
        return self.dice.randint(1, 3_000_000)

    def buy(self) -> None:
        self._pay_in(self.somebody(), Kind.PURCHASE, self.name())

    def _pay_in(self, account: Account, kind: Kind, reference: str) -> None:
        # Twice, as a webhook and a return page do it.
        for _ in range(2):
            ledger.deposit(
                account, self.amount(), source=Code.STRIPE, kind=kind, reference=reference
            )

    def promote(self) -> None:
        ledger.grant(
            self.somebody(),
            self.amount(),
            expires_at=timezone.now() + timedelta(seconds=self.dice.random() * SECONDS),
            reference=self.name(),
            memo="",
        )

    def hold(self) -> None:
        job = self.name()
        try:
            ledger.hold(self.somebody(), self.amount(), reference=job)
        except (ledger.InsufficientCredit, ledger.AccountFrozen):
            return
        self.jobs.append(job)
        del self.jobs[:-JOBS_KEPT_MAX]

    def settle(self) -> None:
        if self.jobs:
            # The job stays in the list: others settle it too, and only one may succeed.
            job = self.dice.choice(list(self.jobs))
            self.dice.choice([ledger.capture, ledger.release])(job)

    def refund(self) -> None:
        reference = self.name()
        account = self.somebody()
        ledger.claw_back(
            account, self.amount(), to=Code.STRIPE, kind=Kind.REFUND, reference=reference
        )
        if self.dice.randrange(2):
            self._pay_in(account, Kind.REFUND_FAILED, reference)

    def win_dispute(self) -> None:
        account, reference, amount = self.somebody(), self.name(), self.amount()
        ledger.claw_back(account, amount, to=Code.DISPUTES, kind=Kind.DISPUTE, reference=reference)
        ledger.deposit(
            account, amount, source=Code.DISPUTES, kind=Kind.DISPUTE_WON, reference=reference
        )

    def freeze(self) -> None:
        account = self.somebody()
        ledger.set_frozen(account, frozen=True)
        ledger.set_frozen(account, frozen=False)

    def expire(self) -> None:
        ledger.expire_grants(timezone.now(), limit=5)


@pytest.mark.django_db(transaction=True)
def test_the_books_add_up_after_a_bank_rush(record_property: Record) -> None:
    record_property("figure", f"bank: BANK_SEED={SEED}")
    accounts = [Account.objects.create(name=f"bank {n}") for n in range(ACCOUNTS + 1)]
    jobs: list[str] = []
    tellers = [Teller(number, accounts, jobs) for number in range(THREADS)]
    until = time.monotonic() + SECONDS
    counts = together([partial(teller.work, until) for teller in tellers])

    done: Counter[str] = Counter()
    for counted in counts:
        assert isinstance(counted, Counter), counted
        done += counted
    audit = sums.audit()
    assert audit.faults == []
    assert Hold.objects.filter(state=Hold.State.CAPTURED).count() == (
        Transfer.objects.filter(kind=Kind.CAPTURE).count()
    )
    moves = sum(done.values())
    record_property(
        "figure",
        f"bank: {moves} moves in {SECONDS:.0f} s by {THREADS} threads, "
        f"{done['deadlocks']} deadlocks, {money.display(audit.live.balance_micros)} in the books",
    )
    assert done["deadlocks"] == 0
