"""Operators stop an account's spending; a dispute's end does not undo that, nor they a dispute."""

import pytest

from accounts.acts import OperatorAct
from billing import audit, clawbacks, freezes, ledger
from billing.models import Dispute, Purchase
from tests.billing import stories
from tests.billing.stripe_desk import Desk
from tests.cast import Customer
from tests.generations.desk.operators import address, said


def can_spend(customer: Customer) -> bool:
    try:
        ledger.hold(customer.account, 1, reference=f"job:{Purchase.objects.count()}")
    except ledger.AccountFrozen:
        return False
    ledger.release(f"job:{Purchase.objects.count()}")
    return True


def test_a_frozen_account_spends_nothing_until_it_is_thawed(
    alice: Customer, olga: Customer
) -> None:
    olga.browser.post(address("account", "freeze", alice.account), said("Looks stolen"))
    assert not can_spend(alice)
    assert audit.faults() == []
    olga.browser.post(address("account", "thaw", alice.account), said("It is fine"))
    assert can_spend(alice)
    told = OperatorAct.objects.order_by("id").values_list("what", "reason", "before", "after")
    assert list(told) == [
        ("froze an account", "Looks stolen", {"frozen": False}, {"frozen": True}),
        ("thawed an account", "It is fine", {"frozen": True}, {"frozen": False}),
    ]


def test_the_end_of_a_dispute_does_not_thaw_what_an_operator_froze(
    desk: Desk, bob: Customer, olga: Customer
) -> None:
    purchase = stories.paid(desk, bob)
    stories.dispute(desk, purchase)
    stories.deliver(stories.events_of(desk, purchase))
    freezes.freeze(bob.account, "Looks stolen", olga.user)
    Dispute.objects.update(status="won")
    clawbacks.freeze_or_thaw(bob.account)
    assert ledger.book(bob.account).frozen
    freezes.thaw(bob.account, "It is fine", olga.user)
    assert not ledger.book(bob.account).frozen


def test_thawing_does_not_undo_a_dispute(desk: Desk, bob: Customer, olga: Customer) -> None:
    purchase = stories.paid(desk, bob)
    stories.dispute(desk, purchase)
    stories.deliver(stories.events_of(desk, purchase))
    with pytest.raises(freezes.FreezeRefused, match="dispute is open"):
        freezes.thaw(bob.account, "Please", olga.user)
    freezes.freeze(bob.account, "Looks stolen", olga.user)
    freezes.thaw(bob.account, "It is fine", olga.user)
    assert ledger.book(bob.account).frozen
    assert audit.faults() == []


def test_freezing_twice_is_refused_and_changes_nothing(alice: Customer, olga: Customer) -> None:
    freezes.freeze(alice.account, "Looks stolen", olga.user)
    with pytest.raises(freezes.FreezeRefused):
        freezes.freeze(alice.account, "Once more", olga.user)
    assert OperatorAct.objects.count() == 1
