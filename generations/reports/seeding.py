"""A made-up past of many jobs, written in bulk and consistent: `manage.py audit` finds no fault.

It exists to try reports and pages out at size, so it writes what billing.ledger and
generations.lifecycle alone write elsewhere. The same figures make the same past.
"""

import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from accounts.models import Account, Membership, User
from billing.models import Dispute, Hold, LedgerAccount, Purchase, Refund, Transfer
from generations import catalog, failures
from generations.models import Generation, Submission
from generations.reports.models import UpstreamBill, UpstreamPrice

Code = LedgerAccount.Code
Kind = Transfer.Kind
Status = Generation.Status

BATCH = 2000
JOBS_MAX = 1_000_000
DAYS_MAX = 3650
WELCOME_MICROS = 2_000_000
PACKS_MICROS = (10_000_000, 25_000_000, 50_000_000, 100_000_000)
# What the made-up upstream asks for a second.
COST_MICROS = {"720p": 112_000, "1080p": 151_200}
DEAR_MICROS = 400_000
FAILURES = (
    *(failures.MODERATED, failures.MODEL_FAILED, failures.TOO_LATE, failures.OURS),
    *(failures.CANCELLED, failures.picture("The picture is 280 px wide; it needs at least 300.")),
)
PROMPTS = ("The horse gallops on", "Waves roll in at dusk", "Lights go on in the city")


class NotHere(Exception):
    """Made-up sums do not belong into books of real money."""

    def __init__(self) -> None:
        super().__init__("Only a site that runs on the sandbox is filled with made-up jobs.")


class MadeBefore(Exception):
    """The same number makes the same past, and it is here already."""

    def __init__(self) -> None:
        super().__init__("This past was made before. Another --seed makes another one.")


@dataclass
class Past:
    """The rows to be written, of every table."""

    rows: dict[type[models.Model], list[Any]] = field(default_factory=dict)

    def add(self, row: models.Model) -> None:
        """Take a row in."""
        self.rows.setdefault(type(row), []).append(row)

    def write(self) -> None:
        """Write everything, each table in the order of time, owners before what is theirs."""
        owners = (User, Account, Membership, LedgerAccount, Purchase, Refund, Dispute)
        for table in (*owners, Generation, Submission, Hold, Transfer, UpstreamPrice, UpstreamBill):
            rows = self.rows.get(table, [])
            if table in {Generation, Hold, Transfer}:
                rows.sort(key=attrgetter("created_at"))
            models.QuerySet(table).bulk_create(rows, batch_size=BATCH)


@dataclass
class Customer:
    """One made-up account, and what it has at the moment that its story has come to."""

    past: Past
    dice: random.Random
    account: Account
    book: LedgerAccount
    operator: dict[str, LedgerAccount]
    purchases: int = 0

    def move(
        self, source: str, target: str, micros: int, kind: Kind, reference: str, at: datetime
    ) -> None:
        """Book a transfer; "" is the customer."""
        sides = self.operator | {"": self.book}
        self.past.add(
            Transfer(
                debit=sides[source],
                credit=sides[target],
                amount_micros=micros,
                kind=kind,
                reference=reference,
                memo="Made up",
                created_at=at,
            )
        )
        self.book.balance_micros += micros * ((target == "") - (source == ""))

    def buy(self, at: datetime) -> None:
        """Buy a pack, and now and then have trouble with an earlier one."""
        purchase = Purchase(
            account=self.account,
            amount_micros=self.dice.choice(PACKS_MICROS),
            status=Purchase.Status.PAID,
            payment_intent=f"pi_seed_{self.account.pk.hex}_{self.purchases}",
            created_at=at,
            paid_at=at,
        )
        purchase.charged_cents = purchase.amount_micros // 10_000
        self.purchases += 1
        self.past.add(purchase)
        reference = f"purchase:{purchase.payment_intent}"
        self.move(Code.STRIPE, "", purchase.amount_micros, Kind.PURCHASE, reference, at)
        self.account.paid_micros += purchase.amount_micros
        match self.dice.random():
            case chance if chance < 0.03:
                self._refund(purchase, at + timedelta(minutes=2))
            case chance if chance < 0.04:
                self._dispute(purchase, at + timedelta(minutes=3))

    def _refund(self, purchase: Purchase, at: datetime) -> None:
        refund = Refund(
            id=f"re_{purchase.payment_intent}",
            purchase=purchase,
            amount_micros=purchase.amount_micros // 2,
            status="succeeded",
            created_at=at,
        )
        self.past.add(refund)
        reference = f"refund:{refund.pk}"
        self.move("", Code.STRIPE, refund.amount_micros, Kind.REFUND, reference, at)
        self.account.paid_micros -= refund.amount_micros

    def _dispute(self, purchase: Purchase, at: datetime) -> None:
        dispute = Dispute(
            id=f"du_{purchase.payment_intent}",
            purchase=purchase,
            amount_micros=purchase.amount_micros,
            status="won",
            reason="fraudulent",
            money_out=True,
            money_in=True,
            created_at=at,
        )
        self.past.add(dispute)
        out, back = f"dispute:{dispute.pk}:out", f"dispute:{dispute.pk}:in"
        won = at + timedelta(minutes=1)
        self.move("", Code.DISPUTES, dispute.amount_micros, Kind.DISPUTE, out, at)
        self.move(Code.DISPUTES, "", dispute.amount_micros, Kind.DISPUTE_WON, back, won)

    def ask(self, at: datetime, now: datetime) -> None:
        """Ask for a film and see it end, unless that is still to come."""
        job = _draft(self.dice, self.account, at)
        while self.book.available_micros < job.price_micros:
            self.buy(at - timedelta(minutes=10))
        took = timedelta(seconds=round(self.dice.lognormvariate(4.3, 0.5), 3))
        job.submitted_at = at + timedelta(seconds=2)
        hold = Hold(
            ledger_account=self.book,
            amount_micros=job.price_micros,
            reference=job.hold_reference,
            created_at=at,
        )
        if at + took > now:
            self._leave_running(job)
        elif self.dice.random() < 0.07:
            self._fail(job, hold, at + took)
        else:
            self._finish(job, hold, at + took)
        job.status_since = job.finished_at or at
        self.past.add(job)
        self.past.add(hold)
        if job.submitted_at is not None:
            _bill(self.past, self.dice, job)

    def _leave_running(self, job: Generation) -> None:
        self.book.held_micros += job.price_micros
        job.status = self.dice.choice((Status.CREATED, Status.PROCESSING, Status.PROCESSING))
        if job.status == Status.CREATED:
            job.submitted_at = job.upstream_id = None

    def _fail(self, job: Generation, hold: Hold, at: datetime) -> None:
        failure = self.dice.choice(FAILURES)
        job.status, job.finished_at = Status.FAILED, at
        job.error_code, job.error = failure.code, failure.sentence
        if failure == failures.CANCELLED:
            job.submitted_at = job.upstream_id = None
        hold.state, hold.settled_at = Hold.State.RELEASED, at

    def _finish(self, job: Generation, hold: Hold, at: datetime) -> None:
        asked = int(job.inputs["duration"])
        missing = 1 if self.dice.random() < 0.02 else 0
        job.status, job.finished_at = Status.COMPLETED, at
        job.video, job.duration_ms = f"films/{job.id.hex}/video.mp4", 1000 * (asked - missing)
        job.shortfall_micros = missing * job.price_micros // asked
        hold.state, hold.settled_at = Hold.State.CAPTURED, at
        self.move("", Code.REVENUE, job.price_micros, Kind.CAPTURE, job.hold_reference, at)
        if missing:
            back = (job.shortfall_micros, Kind.SHORTFALL, job.hold_reference, at)
            self.move(Code.REVENUE, "", *back)


def seed(jobs: int, accounts: int, days: int, number: int = 1) -> None:
    """Make up this many jobs of so many accounts, over the days up to now.

    Raises NotHere and MadeBefore.
    """
    if not settings.SANDBOX:
        raise NotHere
    now, dice = timezone.now(), random.Random(number)  # noqa: S311  nothing here is a secret
    if User.objects.filter(email__startswith=_address(number)).exists():
        raise MadeBefore
    operator = {code: LedgerAccount.objects.get_or_create(code=code)[0] for code in Code.values}
    past, begin = Past(), now - timedelta(days=days)
    for resolution, micros in COST_MICROS.items():
        model = catalog.IMAGE_TO_VIDEO.id
        past.add(
            UpstreamPrice(model=model, resolution=resolution, micros_per_second=micros, since=now)
        )
    customers = [
        _open(past, dice, number, operator, begin + (now - begin) * dice.random() ** 2)
        for _ in range(accounts)
    ]
    # A few make most of the films, as it is.
    weights = [1 / (rank + 1) ** 0.8 for rank in range(accounts)]
    shares = Counter(dice.choices(range(accounts), weights, k=jobs))
    for index, customer in enumerate(customers):
        since = customer.account.created_at
        for at in sorted(since + (now - since) * dice.random() for _ in range(shares[index])):
            customer.ask(at, now)
    with transaction.atomic():
        past.write()


def _open(
    past: Past, dice: random.Random, number: int, operator: dict[str, LedgerAccount], at: datetime
) -> Customer:
    key = uuid.UUID(int=dice.getrandbits(128), version=4)
    email = f"{_address(number)}{key.hex[:12]}@seed.example"
    user = User(email=email, date_joined=at)
    user.set_unusable_password()
    account = Account(id=key, name=email, created_at=at)
    book = LedgerAccount(account=account)
    rows = (user, account, Membership(account=account, user=user, role=Membership.Role.OWNER), book)
    for row in rows:
        past.add(row)
    customer = Customer(past, dice, account, book, operator)
    welcome = f"signup:{account.pk}"
    customer.move(Code.PROMOTIONS, "", WELCOME_MICROS, Kind.PROMOTION, welcome, at)
    return customer


def _address(number: int) -> str:
    return f"seed-{number}-"


def _draft(dice: random.Random, account: Account, at: datetime) -> Generation:
    model = catalog.IMAGE_TO_VIDEO
    resolution, seconds = dice.choice(("720p", "720p", "1080p")), dice.choice((3, 5, 5, 8, 10, 15))
    key = uuid.UUID(int=dice.getrandbits(128), version=4)
    return Generation(
        id=key,
        account=account,
        model=model.id,
        inputs={
            "image": "https://pictures.example/seed.jpg",
            "prompt": dice.choice(PROMPTS),
            "resolution": resolution,
            "duration": seconds,
            "seed": catalog.RANDOM_SEED,
        },
        price_micros=model.micros_per_second[resolution] * seconds,
        upstream_id=f"seed{key.hex}",
        created_at=at,
        due_at=at,
    )


def _bill(past: Past, dice: random.Random, job: Generation) -> None:
    """Let the upstream charge a job, and give back what failed; one bill in twenty is unread."""
    assert job.submitted_at is not None
    assert job.upstream_id is not None
    past.add(
        Submission(generation=job, sent_at=job.submitted_at, outcome=Submission.Outcome.ACCEPTED)
    )
    if dice.random() < 0.05:
        return
    dear = dice.random() < 0.003
    second = DEAR_MICROS if dear else COST_MICROS[job.inputs["resolution"]]
    bill = {
        "micros": second * job.inputs["duration"],
        "upstream_id": job.upstream_id,
        "generation": job,
    }
    past.add(UpstreamBill(id=f"c{job.id.hex}", sort="deduct", billed_at=job.submitted_at, **bill))
    if job.status == Status.FAILED and job.finished_at is not None:
        later = job.finished_at + timedelta(minutes=40)
        past.add(UpstreamBill(id=f"r{job.id.hex}", sort="refund", billed_at=later, **bill))
