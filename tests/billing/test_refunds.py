"""Refunds that the operator orders: in step with Stripe, once, and never more than is left."""

import uuid
from collections.abc import Callable
from functools import partial

import pytest
import stripe
from pytest_django import Settings

from billing import ledger, money, refunds
from billing.models import Purchase, Refund, RefundOrder
from tests import cast
from tests.billing import stories
from tests.billing.races import together
from tests.billing.stripe_desk import Desk
from tests.cast import Customer

ALL = money.parse("25")
TEN = money.parse("10")


@pytest.fixture
def purchase(desk: Desk, bob: Customer) -> Purchase:
    """Bob has bought $25."""
    return stories.paid(desk, bob)


@pytest.fixture
def operator(charlie: Customer) -> Customer:
    return charlie


def stripe_refunds(desk: Desk, purchase: Purchase) -> list[stripe.Refund]:
    return desk.api.v1.refunds.list({"payment_intent": purchase.payment_intent}).data


def test_a_whole_refund_empties_the_account_and_pays_at_stripe(
    purchase: Purchase, desk: Desk, bob: Customer, operator: Customer
) -> None:
    refund = refunds.refund(purchase, ALL, "Asked for it", operator.user)

    [paid] = stripe_refunds(desk, purchase)
    assert (paid.id, paid.amount, paid.status) == (refund.pk, 2500, "succeeded")
    assert bob.balance_micros == 0
    assert refunds.left_micros(purchase) == 0
    assert stories.faults() == []


def test_who_when_and_why_are_kept(purchase: Purchase, operator: Customer) -> None:
    refund = refunds.refund(purchase, TEN, "A bad film", operator.user)

    order = RefundOrder.objects.get()
    assert (order.by, order.reason, order.cents) == (operator.user, "A bad film", 1000)
    assert (order.state, order.refund) == (RefundOrder.State.DONE, refund)
    assert order.created_at


def test_parts_add_up_to_the_whole_and_no_further(
    purchase: Purchase, bob: Customer, operator: Customer
) -> None:
    refunds.refund(purchase, TEN, "One", operator.user)
    assert refunds.left_micros(purchase) == money.parse("15")

    with pytest.raises(refunds.RefundRefused, match=r"Only \$15\.00 .* is left"):
        refunds.refund(purchase, money.parse("15.01"), "Two", operator.user)
    refunds.refund(purchase, money.parse("15"), "Three", operator.user)

    assert bob.balance_micros == 0
    with pytest.raises(refunds.RefundRefused, match=r"Only \$0\.00"):
        refunds.refund(purchase, money.MICROS_PER_CENT, "Four", operator.user)
    assert RefundOrder.objects.count() == 2


def test_a_refund_made_in_the_dashboard_counts(
    purchase: Purchase, desk: Desk, operator: Customer
) -> None:
    stories.refund(desk, purchase, 2000)
    stories.deliver(stories.events_of(desk, purchase))

    with pytest.raises(refunds.RefundRefused, match=r"Only \$5\.00"):
        refunds.refund(purchase, TEN, "Too much", operator.user)


def test_a_refund_that_failed_can_be_ordered_again(
    purchase: Purchase, desk: Desk, bob: Customer, operator: Customer
) -> None:
    first = refunds.refund(purchase, ALL, "One", operator.user)
    desk.control(f"refunds/{first.pk}", status="failed")
    stories.deliver(stories.events_of(desk, purchase))
    assert bob.balance_micros == ALL

    refunds.refund(purchase, ALL, "Two", operator.user)

    assert bob.balance_micros == 0
    assert stories.faults() == []


@pytest.mark.parametrize("micros", [0, -1, 1, money.MICROS_PER_CENT + 1])
def test_parts_of_a_cent_are_refused(micros: int, purchase: Purchase, operator: Customer) -> None:
    with pytest.raises(refunds.RefundRefused, match="whole number of cents"):
        refunds.refund(purchase, micros, "Why not", operator.user)


def test_what_was_not_paid_is_not_refunded(desk: Desk, bob: Customer, operator: Customer) -> None:
    desk.started(bob)
    with pytest.raises(refunds.RefundRefused, match="was not paid"):
        refunds.refund(Purchase.objects.get(), ALL, "Why not", operator.user)


def test_what_is_spent_becomes_a_debt_that_the_next_purchase_pays(
    purchase: Purchase, desk: Desk, bob: Customer, operator: Customer
) -> None:
    ledger.hold(bob.account, money.parse("20"), reference="generation:1")
    ledger.capture("generation:1")

    refunds.refund(purchase, ALL, "Asked for it", operator.user)
    book = ledger.book(bob.account)
    assert (book.balance_micros, book.receivable_micros) == (0, money.parse("20"))

    stories.paid(desk, bob)
    book.refresh_from_db()
    assert (book.balance_micros, book.receivable_micros) == (money.parse("5"), 0)
    assert stories.faults() == []


def test_credit_that_running_jobs_hold_is_never_taken(
    purchase: Purchase, bob: Customer, operator: Customer
) -> None:
    ledger.hold(bob.account, money.parse("20"), reference="generation:1")

    refunds.refund(purchase, ALL, "Asked for it", operator.user)

    book = ledger.book(bob.account)
    assert (book.balance_micros, book.held_micros) == (money.parse("20"), money.parse("20"))
    assert book.receivable_micros == money.parse("20")
    assert ledger.capture("generation:1")


def test_the_same_form_sent_twice_refunds_once(
    purchase: Purchase, desk: Desk, operator: Customer
) -> None:
    key = uuid.uuid4()
    first = refunds.refund(purchase, TEN, "One", operator.user, key)
    assert refunds.refund(purchase, TEN, "One", operator.user, key) == first
    assert len(stripe_refunds(desk, purchase)) == 1


def test_with_a_bonus_its_share_goes_back_too(
    desk: Desk, bob: Customer, operator: Customer, settings: Settings
) -> None:
    settings.BONUS_PERCENT = {25: 5}
    purchase = stories.paid(desk, bob)
    assert bob.balance_micros == money.parse("26.25")

    refunds.refund(purchase, TEN, "A part", operator.user)

    assert bob.balance_micros == money.parse("15.75")
    assert stories.faults() == []


@pytest.mark.parametrize("effect", ["none", "done"])
def test_an_answer_that_got_lost_is_made_good_by_ordering_again(
    effect: str, purchase: Purchase, desk: Desk, bob: Customer, operator: Customer
) -> None:
    desk.control("faults", path="/v1/refunds", status=500, effect=effect, times=9)
    with pytest.raises(refunds.RefundUnfinished, match="has not confirmed"):
        refunds.refund(purchase, TEN, "One", operator.user)
    assert RefundOrder.objects.get().state == RefundOrder.State.OPEN
    desk.control("faults", path="/v1/none", status=500, times=1)

    refunds.refund(purchase, TEN, "Again", operator.user)

    assert [one.amount for one in stripe_refunds(desk, purchase)] == [1000]
    assert RefundOrder.objects.get().state == RefundOrder.State.DONE
    assert bob.balance_micros == money.parse("15")


def test_while_one_refund_is_open_another_sum_is_refused(
    purchase: Purchase, desk: Desk, operator: Customer
) -> None:
    desk.control("faults", path="/v1/refunds", status=500, times=9)
    with pytest.raises(refunds.RefundUnfinished):
        refunds.refund(purchase, TEN, "One", operator.user)
    with pytest.raises(refunds.RefundRefused, match=r"\$10\.00 .* is not finished"):
        refunds.refund(purchase, ALL, "Two", operator.user)
    desk.control("faults", path="/v1/none", status=500, times=1)


def test_what_stripe_refuses_is_told_and_closes_the_order(
    purchase: Purchase, desk: Desk, bob: Customer, operator: Customer
) -> None:
    stories.dispute(desk, purchase)

    key = uuid.uuid4()
    for _ in range(2):
        with pytest.raises(refunds.RefundRefused, match="charged back"):
            refunds.refund(purchase, TEN, "One", operator.user, key)

    order = RefundOrder.objects.get()
    assert (order.state, order.refund) == (RefundOrder.State.REFUSED, None)
    assert "charged back" in order.told
    assert bob.balance_micros == ALL


def test_the_webhook_finishes_an_order_whose_answer_never_came(
    purchase: Purchase, desk: Desk, bob: Customer, operator: Customer
) -> None:
    desk.control("faults", path="/v1/refunds", status=500, effect="none", times=9)
    with pytest.raises(refunds.RefundUnfinished):
        refunds.refund(purchase, TEN, "One", operator.user)
    desk.control("faults", path="/v1/none", status=500, times=1)
    order = RefundOrder.objects.get()
    desk.api.v1.refunds.create(
        {
            "payment_intent": purchase.payment_intent,
            "amount": 1000,
            "metadata": {"refund_order": str(order.pk)},
        }
    )

    stories.deliver(stories.events_of(desk, purchase))

    order.refresh_from_db()
    assert order.state == RefundOrder.State.DONE
    assert order.refund == Refund.objects.get()
    assert bob.balance_micros == money.parse("15")


@pytest.mark.django_db(transaction=True)
def test_two_operators_at_the_same_moment_cannot_give_back_more_than_was_paid(desk: Desk) -> None:
    dora, operator = cast.customer("dora"), cast.customer("olga")
    purchase = stories.paid(desk, dora)

    def order(dollars: str) -> Refund:
        return refunds.refund(purchase, money.parse(dollars), "Now", operator.user)

    done = together([lambda: order("20"), lambda: order("15")] * 3)

    refused = [one for one in done if isinstance(one, BaseException)]
    assert all(isinstance(one, refunds.RefundRefused) for one in refused)
    assert sum(one.amount for one in stripe_refunds(desk, purchase)) in {1500, 2000}
    assert stories.faults() == []


@pytest.mark.django_db(transaction=True)
def test_the_webhook_and_the_order_at_the_same_moment_take_the_credit_once(desk: Desk) -> None:
    dora, operator = cast.customer("dora"), cast.customer("olga")
    purchase = stories.paid(desk, dora)
    key = uuid.uuid4()
    refunds.refund(purchase, TEN, "One", operator.user, key)
    events = stories.events_of(desk, purchase)
    order = RefundOrder.objects.get()

    works: list[Callable[[], object]] = [lambda: refunds.carry_out(order)] * 3
    works += [partial(stories.receive, event) for event in events * 2]
    assert [one for one in together(works) if isinstance(one, BaseException)] == []

    assert dora.balance_micros == money.parse("15")
    assert stories.faults() == []
