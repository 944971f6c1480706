"""Orders are written together where they wait for each other, and each has its own outcome."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DataError, OperationalError, transaction

from billing import ledger
from billing.models import Hold
from generations import catalog, idempotency, lifecycle, orders
from generations.models import Generation, KeptAnswer
from generations.orders import Order
from tests.billing.races import together
from tests.cast import Customer

PRICE = 700_000
IMAGE = "https://pictures.test/horse.jpg"
Write = Callable[[Any], list[orders.Written]]


def draft(customer: Customer, **inputs: Any) -> Generation:
    """A job of 5 s that is not written yet."""
    wanted = catalog.IMAGE_TO_VIDEO.clean({"image": IMAGE, **inputs})
    return lifecycle.draft(customer.account, catalog.IMAGE_TO_VIDEO, wanted)


def once(name: str, request: str = "r", answer: str = "first") -> idempotency.Once:
    return idempotency.Once(name, request, {"id": answer})


class Gate:
    """Holds back the first write, so that what comes meanwhile waits together."""

    def __init__(self, write: Write) -> None:
        self.write = write
        self.sizes: list[int] = []
        self.entered, self.open = threading.Event(), threading.Event()

    def __call__(self, batch: Any) -> list[orders.Written]:
        self.sizes.append(len(batch))
        if len(self.sizes) == 1:
            self.entered.set()
            assert self.open.wait(30)
        return self.write(batch)

    def await_waiting(self, customer: Customer, count: int) -> None:
        """Return when so many orders wait behind the first."""
        while len(orders._waiting.get(customer.account.pk, [])) < count:
            threading.Event().wait(0.001)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The gate before the database."""
    gate = Gate(orders._write)
    monkeypatch.setattr(orders, "_write", gate)
    yield gate
    assert orders._waiting == {}


def behind_the_first(gate: Gate, customer: Customer, works: list[Callable[[], Any]]) -> list[Any]:
    """Run the first work, all others while it is being written; return what each gave."""

    def first() -> Any:
        return works[0]()

    def other(work: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            assert gate.entered.wait(30)
            return work()

        return run

    def opener() -> None:
        gate.await_waiting(customer, len(works) - 1)
        gate.open.set()

    return together([first, *(other(work) for work in works[1:]), opener])[:-1]


def placing(order: Order) -> Callable[[], Any]:
    return lambda: orders.place(order)


@pytest.mark.django_db(transaction=True)
def test_those_that_wait_for_the_same_account_share_one_statement(
    alice: Customer, gate: Gate
) -> None:
    works = [placing(Order(draft(alice))) for _ in range(5)]

    assert behind_the_first(gate, alice, works) == [(None, False)] * 5

    assert gate.sizes == [1, 4]
    assert Generation.objects.count() == Hold.objects.count() == 5
    assert ledger.book(alice.account).held_micros == 5 * PRICE


@pytest.mark.django_db(transaction=True)
def test_one_that_cannot_be_paid_is_refused_and_its_neighbours_are_written(
    charlie: Customer, gate: Gate
) -> None:
    # He has $5: the second, of $2.835, is too much after the first, of the same price.
    dear = {"resolution": "1080p", "duration": 15}
    jobs = [draft(charlie, **dear), draft(charlie, **dear), draft(charlie), draft(charlie)]

    outcomes = behind_the_first(gate, charlie, [placing(Order(job)) for job in jobs])

    assert gate.sizes == [1, 3]
    refused = [one for one in outcomes if isinstance(one, ledger.InsufficientCredit)]
    assert len(refused) == 1
    assert refused[0].price_micros == 2_835_000
    assert ledger.book(charlie.account).held_micros == 2_835_000 + 2 * PRICE
    assert Hold.objects.count() == Generation.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_one_that_the_database_cannot_take_fails_alone(alice: Customer, gate: Gate) -> None:
    broken = draft(alice)
    broken.webhook = "x" * 5000
    jobs = [draft(alice), draft(alice), broken, draft(alice)]

    outcomes = behind_the_first(gate, alice, [placing(Order(job)) for job in jobs])

    assert [type(one) for one in outcomes] == [tuple, tuple, DataError, tuple]
    assert Generation.objects.count() == Hold.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_orders_with_one_idempotency_key_that_are_written_together_make_one_job(
    alice: Customer, gate: Gate
) -> None:
    works = [placing(Order(draft(alice), once("same", answer=str(n)))) for n in range(4)]
    works += [placing(Order(draft(alice), once("same", request="another")))]

    *outcomes, taken = behind_the_first(gate, alice, works)

    assert outcomes == [(None, False), *[({"id": "0"}, False)] * 3]
    assert isinstance(taken, idempotency.NameTaken)
    assert gate.sizes == [1, 4]
    assert Generation.objects.count() == Hold.objects.count() == KeptAnswer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_when_the_database_goes_away_everybody_who_waits_is_told(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: Any) -> list[orders.Written]:
        raise OperationalError("gone")

    gate = Gate(gone)
    monkeypatch.setattr(orders, "_write", gate)
    outcomes = behind_the_first(gate, alice, [placing(Order(draft(alice))) for _ in range(4)])

    assert [type(one) for one in outcomes] == [OperationalError] * 4
    assert gate.sizes == [1, 3]
    assert orders._waiting == {}


@pytest.mark.django_db(transaction=True)
def test_whoever_dies_while_writing_leaves_nobody_waiting(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: Any) -> list[orders.Written]:
        raise KeyboardInterrupt

    job = draft(alice)
    with monkeypatch.context() as patched:
        patched.setattr(orders, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            orders.place(Order(job))

    assert orders.place(Order(draft(alice))) == (None, False)


def test_within_a_transaction_an_order_ends_with_it(alice: Customer) -> None:
    with transaction.atomic():
        orders.place(Order(draft(alice), once("mine")))
        assert Generation.objects.exists()
        transaction.set_rollback(True)
    assert not Generation.objects.exists()
    assert not KeptAnswer.objects.exists()
    assert ledger.book(alice.account).held_micros == 0


def test_a_frozen_account_and_one_without_a_book_are_refused(
    alice: Customer, bob: Customer
) -> None:
    ledger.set_frozen(alice.account, frozen=True)
    with pytest.raises(ledger.AccountFrozen):
        orders.place(Order(draft(alice)))
    with pytest.raises(ledger.InsufficientCredit) as short:
        orders.place(Order(draft(bob)))
    assert short.value.available_micros == 0
    assert not Generation.objects.exists()


def test_every_column_of_a_written_job_is_as_it_was_drafted(alice: Customer) -> None:
    job = draft(alice, prompt="a “calm” sea\n☂")
    orders.place(Order(job))
    written = Generation.objects.get()
    for field in Generation._meta.concrete_fields:
        if not field.generated:
            assert getattr(written, field.attname) == getattr(job, field.attname), field.name
