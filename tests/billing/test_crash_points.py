"""The process is killed around each commit of fulfilment and refund: redelivery mends the books."""

import os
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections

from billing import money, refunds, topup
from billing.models import Purchase, Refund, RefundOrder
from tests import cast
from tests.billing import stories, topups
from tests.billing.stripe_desk import Desk

POINTS_MAX = 60
KILLED = 9
BROKEN = 3
TEN = money.parse("10")
READS = ("SELECT", "SAVEPOINT", "RELEASE")

pytestmark = pytest.mark.django_db(transaction=True)


class Fuse:
    """Kills this process at its n-th point: before and after everything that commits."""

    def __init__(self, point: int) -> None:
        self.left = point

    def burn(self) -> None:
        if self.left == 0:
            # As kill -9: no finally, no rollback, no farewell to the database.
            os._exit(KILLED)
        self.left -= 1

    def statement(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """A statement outside of any transaction is its own commit."""
        commits = not connection.in_atomic_block and not str(sql).lstrip().startswith(READS)
        if commits:
            self.burn()
        answer = execute(sql, params, many, context)
        if commits:
            self.burn()
        return answer

    @contextmanager
    def lit(self) -> Iterator[None]:
        commit = connection.commit

        def burning_commit() -> None:
            self.burn()
            commit()
            self.burn()

        connection.commit = burning_commit  # type: ignore[method-assign]  # in a child that ends
        with connection.execute_wrapper(self.statement):
            yield


def killed(work: Callable[[], object], point: int) -> bool:
    """Run the work in a process of its own that dies at this point; False when it got through."""
    # A socket must not be used from both sides of a fork.
    connections.close_all()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's own
    with warnings.catch_warnings():
        # Other threads of this process hold nothing that the child needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            with Fuse(point).lit():
                work()
        except BaseException:  # noqa: BLE001  the child must end here, whatever happened
            os._exit(BROKEN)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, KILLED}, "the work failed by itself"
    return code == KILLED


def points(prepare: Callable[[int], Callable[[], object]], check: Callable[[int], None]) -> int:
    """Tell the story anew for each point until one run survives; return how many points."""
    for point in range(POINTS_MAX):
        died = killed(prepare(point), point)
        check(point)
        if not died:
            return point
    raise AssertionError("the story never ended")


def test_fulfilment_survives_a_kill_around_every_commit(desk: Desk) -> None:
    purchases: dict[int, tuple[cast.Customer, Purchase]] = {}

    def prepare(point: int) -> Callable[[], object]:
        customer = cast.customer(f"buyer{point}")
        purchase = stories.buy(desk, customer)
        purchases[point] = customer, purchase
        events = stories.events_of(desk, purchase)
        return lambda: stories.deliver(events)

    def check(point: int) -> None:
        customer, purchase = purchases[point]
        # Stripe had no answer, so it delivers again.
        stories.deliver(stories.events_of(desk, purchase))
        purchase.refresh_from_db()
        assert purchase.status == Purchase.Status.PAID
        assert customer.balance_micros == money.parse("25")
        assert stories.faults() == []

    assert points(prepare, check) >= 4


def test_a_refund_order_survives_a_kill_around_every_commit(desk: Desk) -> None:
    operator = cast.customer("olga").user
    stage: dict[int, tuple[cast.Customer, Purchase, uuid.UUID]] = {}

    def prepare(point: int) -> Callable[[], object]:
        customer = cast.customer(f"buyer{point}")
        purchase, key = stories.paid(desk, customer), uuid.uuid4()
        stage[point] = customer, purchase, key
        return lambda: refunds.refund(purchase, TEN, "One", operator, key)

    def check(point: int) -> None:
        customer, purchase, key = stage[point]
        if point % 2:
            # The webhook comes first, if Stripe knows of the refund at all.
            stories.deliver(stories.events_of(desk, purchase))
        again = refunds.refund(purchase, TEN, "One", operator, key)
        stories.deliver(stories.events_of(desk, purchase))
        paid = desk.api.v1.refunds.list({"payment_intent": purchase.payment_intent}).data
        assert [one.id for one in paid] == [again.pk]
        assert RefundOrder.objects.get(pk=key).refund == again
        assert customer.balance_micros == money.parse("15")
        assert stories.faults() == []

    assert points(prepare, check) >= 4


def test_a_top_up_survives_a_kill_around_every_commit(desk: Desk) -> None:
    customers: dict[int, cast.Customer] = {}

    def prepare(point: int) -> Callable[[], object]:
        customer = customers[point] = cast.customer(f"buyer{point}")
        topups.low(desk, customer)
        return lambda: topup.attempt(customer.account)

    def check(point: int) -> None:
        customer = customers[point]
        # Before the first commit nothing was begun: the schedule comes by again.
        topup.attempt(customer.account)
        for payment in topups.payments_of(desk, customer):
            for event in topups.events_about(desk, payment.id):
                assert topups.deliver(desk, event) == 200
        for purchase in topups.top_ups(customer):
            topup.settle(purchase)
        assert len(topups.payments_of(desk, customer)) == 1
        assert customer.balance_micros == money.parse("35")
        assert stories.faults() == []

    assert points(prepare, check) >= 4


@pytest.mark.parametrize(
    ("ending", "cents"),
    [("refunds", 0), ("refund that fails", 2500), ("dispute", 0), ("dispute won", 2500)],
)
def test_following_survives_a_kill_around_every_commit(ending: str, cents: int, desk: Desk) -> None:
    stage: dict[int, tuple[cast.Customer, Purchase]] = {}

    def prepare(point: int) -> Callable[[], object]:
        customer = cast.customer(f"buyer{point}")
        purchase = stories.paid(desk, customer)
        stage[point] = customer, purchase
        _play(desk, purchase, ending)
        events = stories.events_of(desk, purchase)
        return lambda: stories.deliver(events)

    def check(point: int) -> None:
        customer, purchase = stage[point]
        stories.deliver(stories.events_of(desk, purchase))
        assert customer.balance_micros == money.from_cents(cents)
        assert stories.faults() == []

    assert points(prepare, check) >= 4


def _play(desk: Desk, purchase: Purchase, ending: str) -> None:
    if ending.startswith("dispute"):
        dispute = stories.dispute(desk, purchase)
        # Half the story is heard of in time.
        stories.deliver(stories.events_of(desk, purchase)[:-1])
        desk.control(f"disputes/{dispute}", status="won" if ending.endswith("won") else "lost")
        return
    refund = stories.refund(desk, purchase, 2500)
    if ending.endswith("fails"):
        stories.deliver(stories.events_of(desk, purchase))
        assert Refund.objects.filter(pk=refund).exists()
        desk.control(f"refunds/{refund}", status="failed")
