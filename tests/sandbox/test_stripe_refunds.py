"""Refunds: in whole, in part, pending, failing; and what they leave on charge and balance."""

from typing import Any

import pytest
import stripe
from stripe import Charge, Refund

from tests.sandbox import stripe_shop
from tests.sandbox.stripe_shop import DECLINED, DISPUTED, PAYS, SETTLES_LATE, Shop

shop = pytest.fixture(stripe_shop.shop)

REFUNDS_PENDING = "4000000000007726"
REFUNDS_FAIL = "4000000000005126"


def paid(shop: Shop, number: str = PAYS) -> Charge:
    shop.bought(number)
    return shop.stripe.v1.charges.list().data[0]


def charge_now(shop: Shop, charge: Charge) -> tuple[int, bool]:
    current = shop.stripe.v1.charges.retrieve(charge.id)
    return current.amount_refunded, current.refunded


def refund(shop: Shop, charge: Charge, amount: int = 2500) -> Refund:
    return shop.stripe.v1.refunds.create({"charge": charge.id, "amount": amount})


def moved(shop: Shop) -> list[tuple[str, int]]:
    """What moved money after the charge, newest first."""
    rows = shop.stripe.v1.balance_transactions.list().data
    return [(row.type, row.amount) for row in rows if row.type != "charge"]


def test_a_refund_of_the_intent_gives_back_everything_at_once(shop: Shop) -> None:
    charge = paid(shop)
    assert isinstance(charge.payment_intent, str)
    made = shop.stripe.v1.refunds.create(
        {
            "payment_intent": charge.payment_intent,
            "reason": "requested_by_customer",
            "metadata": {"purchase": "7"},
        }
    )
    assert (made.amount, made.status, made.charge) == (2500, "succeeded", charge.id)
    assert made.metadata is not None
    assert made.metadata.to_dict() == {"purchase": "7"}
    assert charge_now(shop, charge) == (2500, True)
    assert moved(shop) == [("refund", -2500)]
    assert shop.happened()[-2:] == ["refund.created", "charge.refunded"]
    assert shop.stripe.v1.refunds.retrieve(made.id).to_dict() == made.to_dict()


def test_parts_add_up_and_no_more_than_was_paid_comes_back(shop: Shop) -> None:
    charge = paid(shop)
    refund(shop, charge, 1000)
    assert charge_now(shop, charge) == (1000, False)
    with pytest.raises(stripe.InvalidRequestError, match=r"\$15.00"):
        refund(shop, charge, 1501)
    refund(shop, charge, 1500)
    assert charge_now(shop, charge) == (2500, True)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refund(shop, charge, 1)
    assert refused.value.code == "charge_already_refunded"
    listed = shop.stripe.v1.refunds.list({"charge": charge.id}).data
    assert [made.amount for made in listed] == [1500, 1000]
    expanded = shop.stripe.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert expanded.refunds is not None
    assert [made.id for made in expanded.refunds.data] == [made.id for made in listed]


@pytest.mark.parametrize("amount", [0, -5])
def test_a_refund_is_positive(shop: Shop, amount: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refund(shop, paid(shop), amount)
    assert refused.value.param == "amount"


def test_what_was_not_paid_is_not_refunded(shop: Shop) -> None:
    session = shop.checkout()
    shop.fill(session, DECLINED)
    (failed,) = shop.stripe.v1.charges.list().data
    refusals: tuple[Any, ...] = (
        {"charge": failed.id},
        {"payment_intent": failed.payment_intent},
    )
    for params in refusals:
        with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
            shop.stripe.v1.refunds.create(params)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.stripe.v1.refunds.create({})
    assert refused.value.code == "parameter_missing"
    late = paid(shop, SETTLES_LATE)
    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        refund(shop, late)


def test_a_disputed_charge_is_not_refunded(shop: Shop) -> None:
    charge = paid(shop, DISPUTED)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refund(shop, charge)
    assert refused.value.code == "charge_disputed"


def test_a_card_whose_refunds_are_pending_gets_there_by_the_clock(shop: Shop) -> None:
    charge = paid(shop, REFUNDS_PENDING)
    made = refund(shop, charge)
    assert made.status == "pending"
    assert made.pending_reason == "processing"
    shop.later(5)
    made = shop.stripe.v1.refunds.retrieve(made.id)
    assert made.status == "succeeded"
    assert "pending_reason" not in made.to_dict()
    assert shop.happened()[-2:] == ["refund.updated", "charge.refund.updated"]
    assert charge_now(shop, charge) == (2500, True)


def test_a_refund_that_fails_later_gives_the_money_back_to_the_balance(shop: Shop) -> None:
    charge = paid(shop, REFUNDS_FAIL)
    made = refund(shop, charge, 1000)
    assert made.status == "succeeded"
    shop.later(5)
    made = shop.stripe.v1.refunds.retrieve(made.id, {"expand": ["failure_balance_transaction"]})
    assert made.status == "failed"
    assert made.failure_reason == "unknown"
    assert isinstance(made.failure_balance_transaction, stripe.BalanceTransaction)
    assert made.failure_balance_transaction.amount == 1000
    assert charge_now(shop, charge) == (0, False)
    assert moved(shop) == [("refund_failure", 1000), ("refund", -1000)]
    assert shop.happened()[-3:] == ["refund.updated", "charge.refund.updated", "refund.failed"]


def test_refunds_begin_pending_when_told_so_and_end_by_hand(shop: Shop) -> None:
    shop.control("post", "refunds/next", status="pending")
    made = refund(shop, paid(shop))
    assert made.status == "pending"
    shop.control("post", f"refunds/{made.id}", status="failed")
    assert shop.stripe.v1.refunds.retrieve(made.id).status == "failed"
    with pytest.raises(stripe.InvalidRequestError, match="has ended"):
        shop.control("post", f"refunds/{made.id}", status="succeeded")
    shop.control("post", "refunds/next", status="succeeded")
    assert refund(shop, paid(shop)).status == "succeeded"


def test_a_refund_set_pending_by_hand_can_succeed_again(shop: Shop) -> None:
    made = refund(shop, paid(shop))
    for status in ("pending", "succeeded"):
        shop.control("post", f"refunds/{made.id}", status=status)
        assert shop.stripe.v1.refunds.retrieve(made.id).status == status
    event = shop.stripe.v1.events.list({"type": "refund.updated"}).data[0]
    assert event.data.previous_attributes is not None
    assert event.data.previous_attributes.to_dict() == {"status": "pending"}
    assert moved(shop) == [("refund", -2500)]


def test_only_a_refund_that_waits_for_the_customer_is_canceled(shop: Shop) -> None:
    made = refund(shop, paid(shop))
    with pytest.raises(stripe.InvalidRequestError, match="requires action"):
        shop.stripe.v1.refunds.cancel(made.id)
    assert shop.control("post", f"refunds/{made.id}", status="succeeded")["id"] == made.id
    updated = shop.stripe.v1.refunds.update(made.id, {"metadata": {"note": "x"}})
    assert updated.metadata is not None
    assert updated.metadata.to_dict() == {"note": "x"}
