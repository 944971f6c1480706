"""Disputes: the money leaves, and comes back only when they are won."""

from typing import Any

import pytest
import stripe
from stripe import Charge, Dispute

from tests.sandbox import stripe_shop
from tests.sandbox.stripe_shop import DECLINED, Shop

shop = pytest.fixture(stripe_shop.shop)


def paid(shop: Shop) -> Charge:
    shop.bought()
    return shop.stripe.v1.charges.list().data[0]


def disputed(shop: Shop, charge: Charge, **params: object) -> Dispute:
    answer = shop.control("post", f"payments/{charge.id}/dispute", **params)
    return shop.stripe.v1.disputes.retrieve(answer["id"])


def moved(shop: Shop) -> list[tuple[str, int, int]]:
    rows = shop.stripe.v1.balance_transactions.list({"type": "adjustment"}).data
    return [(row.reporting_category, row.amount, row.fee) for row in rows]


def decide(shop: Shop, dispute: Dispute, status: str) -> Dispute:
    shop.control("post", f"disputes/{dispute.id}", status=status)
    return shop.stripe.v1.disputes.retrieve(dispute.id)


def test_a_dispute_takes_the_money_and_a_fee(shop: Shop) -> None:
    charge = paid(shop)
    dispute = disputed(shop, charge, reason="product_not_received")
    assert (dispute.status, dispute.amount, dispute.reason) == (
        "needs_response",
        2500,
        "product_not_received",
    )
    assert (dispute.charge, dispute.payment_intent) == (charge.id, charge.payment_intent)
    assert [row.amount for row in dispute.balance_transactions] == [-2500]
    assert shop.stripe.v1.charges.retrieve(charge.id).disputed
    assert moved(shop) == [("dispute", -2500, 1500)]
    assert shop.happened()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    (listed,) = shop.stripe.v1.disputes.list({"charge": charge.id}).data
    assert listed.id == dispute.id


def test_a_part_of_a_charge_can_be_disputed(shop: Shop) -> None:
    assert disputed(shop, paid(shop), amount=700).amount == 700
    assert moved(shop) == [("dispute", -700, 1500)]


def test_a_dispute_that_is_won_brings_the_money_back(shop: Shop) -> None:
    dispute = decide(shop, disputed(shop, paid(shop)), "won")
    assert dispute.status == "won"
    assert [row.amount for row in dispute.balance_transactions] == [-2500, 2500]
    assert moved(shop) == [("dispute_reversal", 2500, 0), ("dispute", -2500, 1500)]
    assert shop.happened()[-2:] == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]


def test_a_dispute_that_is_lost_stays_lost(shop: Shop) -> None:
    dispute = decide(shop, disputed(shop, paid(shop)), "lost")
    assert dispute.status == "lost"
    assert moved(shop) == [("dispute", -2500, 1500)]
    assert shop.happened()[-1] == "charge.dispute.closed"
    with pytest.raises(stripe.InvalidRequestError, match="has ended: lost"):
        decide(shop, dispute, "won")


def test_giving_in_loses(shop: Shop) -> None:
    dispute = disputed(shop, paid(shop))
    assert shop.stripe.v1.disputes.close(dispute.id).status == "lost"


def test_evidence_puts_a_dispute_under_review(shop: Shop) -> None:
    dispute = disputed(shop, paid(shop))
    evidence: Any = {"product_description": "Credit for videos"}
    kept = shop.stripe.v1.disputes.update(dispute.id, {"evidence": evidence})
    assert (kept.status, kept.evidence.product_description) == (
        "needs_response",
        "Credit for videos",
    )
    sent = shop.stripe.v1.disputes.update(dispute.id, {"submit": True})
    assert (sent.status, sent.evidence_details.has_evidence) == ("under_review", True)
    assert shop.happened()[-1] == "charge.dispute.updated"


def test_an_inquiry_moves_money_only_when_it_grows_up(shop: Shop) -> None:
    charge = paid(shop)
    dispute = disputed(shop, charge, inquiry="true")
    assert dispute.status == "warning_needs_response"
    assert dispute.is_charge_refundable
    assert moved(shop) == []
    assert not shop.stripe.v1.charges.retrieve(charge.id).disputed
    dispute = decide(shop, dispute, "needs_response")
    assert moved(shop) == [("dispute", -2500, 1500)]
    assert shop.stripe.v1.charges.retrieve(charge.id).disputed
    assert not dispute.is_charge_refundable


def test_an_inquiry_may_just_close(shop: Shop) -> None:
    dispute = decide(shop, disputed(shop, paid(shop), inquiry="true"), "warning_closed")
    assert dispute.status == "warning_closed"
    assert moved(shop) == []
    assert shop.happened()[-1] == "charge.dispute.closed"


def test_a_charge_is_disputed_once_and_only_when_it_succeeded(shop: Shop) -> None:
    charge = paid(shop)
    disputed(shop, charge)
    with pytest.raises(stripe.InvalidRequestError, match="disputed already"):
        disputed(shop, charge)
    shop.fill(shop.checkout(), DECLINED)
    failed = shop.stripe.v1.charges.list().data[0]
    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        disputed(shop, failed)
    waiting = shop.stripe.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="has not been charged"):
        shop.control("post", f"payments/{waiting.id}/dispute")
    unpaid = shop.checkout()
    with pytest.raises(stripe.InvalidRequestError, match="has no payment"):
        shop.control("post", f"payments/{unpaid.id}/dispute")


def test_an_early_fraud_warning_names_the_charge(shop: Shop) -> None:
    charge = paid(shop)
    shop.control("post", f"payments/{charge.payment_intent}/warn", fraud_type="card_never_received")
    (warning,) = shop.stripe.v1.radar.early_fraud_warnings.list({"charge": charge.id}).data
    assert (warning.fraud_type, warning.actionable) == ("card_never_received", True)
    assert shop.happened()[-1] == "radar.early_fraud_warning.created"
    assert shop.stripe.v1.radar.early_fraud_warnings.retrieve(warning.id).charge == charge.id
    shop.stripe.v1.refunds.create({"charge": charge.id})
    assert not shop.control("post", f"payments/{charge.id}/warn")["actionable"]
