"""What the ledger says and writes down: the words of its refusals, the memos of its transfers."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing import ledger, money
from billing.models import Grant, Hold, LedgerAccount, Transfer
from tests.cast import Customer

Code = LedgerAccount.Code
Kind = Transfer.Kind
DOLLAR = money.MICROS_PER_DOLLAR


def buy(customer: Customer, dollars: int, name: str = "purchase:1") -> bool:
    return ledger.deposit(
        customer.account, dollars * DOLLAR, source=Code.STRIPE, kind=Kind.PURCHASE, reference=name
    )


def take(customer: Customer, dollars: int, name: str = "refund:1") -> bool:
    return ledger.claw_back(
        customer.account, dollars * DOLLAR, to=Code.STRIPE, kind=Kind.REFUND, reference=name
    )


def rows() -> list[tuple[str, int, str, str]]:
    """Kind, dollars, reference and memo of every transfer in the order of booking."""
    booked = Transfer.objects.order_by("id")
    return [(one.kind, one.amount_micros // DOLLAR, one.reference, one.memo) for one in booked]


def test_who_is_frozen_reads_why_what_to_do_and_that_nothing_was_charged(alice: Customer) -> None:
    ledger.set_frozen(alice.account, frozen=True)
    with pytest.raises(ledger.AccountFrozen) as refusal:
        ledger.hold(alice.account, DOLLAR, reference="job:1")
    assert str(refusal.value) == (
        "Spending is paused because a payment of this account is disputed at its bank, or "
        "because our support looks into it. If that is a mistake, ask your bank to withdraw "
        "the dispute, or write to us. You were not charged."
    )


def test_who_is_short_reads_the_price_the_credit_and_the_difference(charlie: Customer) -> None:
    with pytest.raises(ledger.InsufficientCredit) as refusal:
        ledger.hold(charlie.account, 7 * DOLLAR, reference="job:1")
    assert str(refusal.value) == (
        "This costs $7.00 and you have $5.00 to spend. Add at least $2.00 of credit."
    )


def test_a_thawed_account_spends_again(alice: Customer) -> None:
    ledger.set_frozen(alice.account, frozen=True)
    ledger.set_frozen(alice.account, frozen=False)
    ledger.hold(alice.account, DOLLAR, reference="job:1")
    assert alice.available_micros == 24 * DOLLAR


def test_freezing_one_account_leaves_the_others_alone(alice: Customer, charlie: Customer) -> None:
    ledger.set_frozen(alice.account, frozen=True)
    assert not ledger.book(charlie.account).frozen


def test_a_job_is_remembered_by_its_memo_and_without_one_by_none(alice: Customer) -> None:
    ledger.hold(alice.account, DOLLAR, reference="job:1", memo="A horse in the surf")
    ledger.hold(alice.account, DOLLAR, reference="job:2")
    assert list(Hold.objects.order_by("id").values_list("memo", flat=True)) == [
        "A horse in the surf",
        "",
    ]
    ledger.capture("job:1")
    assert rows()[-1] == (Kind.CAPTURE, 1, "job:1", "A horse in the surf")


def test_what_is_taken_what_is_owed_and_what_pays_it_are_three_kinds(bob: Customer) -> None:
    buy(bob, 3)
    assert take(bob, 5)
    assert buy(bob, 4, "purchase:2")
    assert rows() == [
        (Kind.PURCHASE, 3, "purchase:1", ""),
        (Kind.REFUND, 3, "refund:1", ""),
        (Kind.RECEIVABLE, 2, "refund:1", ""),
        (Kind.PURCHASE, 4, "purchase:2", ""),
        (Kind.RECEIVABLE_PAID, 2, "purchase:2", "Owed sum paid"),
    ]
    book = ledger.book(bob.account)
    assert (book.balance_micros, book.receivable_micros) == (2 * DOLLAR, 0)


@pytest.mark.parametrize("dollars", [0, 3])
def test_a_claw_back_is_booked_once_whether_it_was_taken_or_owed(
    bob: Customer, dollars: int
) -> None:
    if dollars:
        buy(bob, dollars)
    assert take(bob, 3)
    before = rows()
    assert not take(bob, 3)
    assert rows() == before


def test_a_claw_back_under_the_reference_of_another_kind_is_another_fact(bob: Customer) -> None:
    buy(bob, 5)
    assert take(bob, 1, "purchase:1")
    assert ledger.claw_back(
        bob.account, DOLLAR, to=Code.DISPUTES, kind=Kind.DISPUTE, reference="purchase:1"
    )
    assert bob.balance_micros == 3 * DOLLAR


def test_a_gift_pays_no_debt(bob: Customer) -> None:
    take(bob, 2)
    ledger.deposit(
        bob.account, 5 * DOLLAR, source=Code.PROMOTIONS, kind=Kind.PROMOTION, reference="gift"
    )
    book = ledger.book(bob.account)
    assert (book.balance_micros, book.receivable_micros) == (5 * DOLLAR, 2 * DOLLAR)


def test_a_debt_is_not_paid_with_what_a_job_holds(bob: Customer) -> None:
    buy(bob, 3)
    ledger.hold(bob.account, 3 * DOLLAR, reference="job:1")
    take(bob, 4)
    buy(bob, 1, "purchase:2")
    book = ledger.book(bob.account)
    assert (book.available_micros, book.held_micros) == (0, 3 * DOLLAR)
    assert book.receivable_micros == 3 * DOLLAR


def test_a_reference_is_known_once_anything_was_booked_under_it(bob: Customer) -> None:
    assert not ledger.booked("purchase:1")
    buy(bob, 1)
    assert ledger.booked("purchase:1")
    assert not ledger.booked("purchase:2")


def give(customer: Customer, dollars: int, days: int) -> None:
    ledger.grant(
        customer.account,
        dollars * DOLLAR,
        expires_at=timezone.now() + timedelta(days=days),
        reference=f"gift:{days}",
        memo="Welcome",
    )


def test_a_gift_and_its_end_are_told_by_kind_reference_and_memo(bob: Customer) -> None:
    give(bob, 2, days=1)
    assert ledger.expire_grants(timezone.now() + timedelta(days=2)) == 1
    assert rows() == [
        (Kind.PROMOTION, 2, "gift:1", "Welcome"),
        (Kind.EXPIRY, 2, "gift:1", "Promotion expired"),
    ]
    expiry = Transfer.objects.get(kind=Kind.EXPIRY)
    assert (expiry.debit, expiry.credit.code) == (ledger.book(bob.account), Code.PROMOTIONS)


def test_the_gift_that_ended_first_is_taken_first_when_not_all_are(bob: Customer) -> None:
    give(bob, 1, days=2)
    give(bob, 2, days=1)
    assert ledger.expire_grants(timezone.now() + timedelta(days=3), limit=1) == 1
    assert list(Grant.objects.order_by("id").values_list("remaining_micros", flat=True)) == [
        DOLLAR,
        0,
    ]


def test_a_claw_back_uses_up_the_gifts_that_credit_no_longer_covers(bob: Customer) -> None:
    give(bob, 2, days=1)
    buy(bob, 3)
    take(bob, 3)
    assert Grant.objects.get().remaining_micros == 2 * DOLLAR
    take(bob, 1, "refund:2")
    assert Grant.objects.get().remaining_micros == DOLLAR
    assert ledger.book(bob.account).has_grants


def test_who_has_used_every_gift_has_none(bob: Customer) -> None:
    give(bob, 1, days=1)
    buy(bob, 5)
    assert ledger.book(bob.account).has_grants
    ledger.hold(bob.account, 2 * DOLLAR, reference="job:1")
    ledger.capture("job:1")
    assert not ledger.book(bob.account).has_grants
    assert Grant.objects.get().remaining_micros == 0


def test_a_charge_uses_nobody_elses_gift_even_one_that_ends_sooner(
    bob: Customer, charlie: Customer
) -> None:
    give(charlie, 2, days=1)
    give(bob, 2, days=3)
    ledger.hold(bob.account, DOLLAR, reference="job:1")
    ledger.capture("job:1")
    left = dict(Grant.objects.values_list("account", "remaining_micros"))
    assert left == {charlie.account.pk: 2 * DOLLAR, bob.account.pk: DOLLAR}


def test_the_last_micro_dollar_of_a_gift_ends_too(bob: Customer) -> None:
    give(bob, 1, days=1)
    ledger.hold(bob.account, DOLLAR - 1, reference="job:1")
    ledger.capture("job:1")
    assert ledger.expire_grants(timezone.now() + timedelta(days=2)) == 1
    assert bob.balance_micros == 0


def half_used_twins(customer: Customer) -> list[int]:
    """Three gifts of $1 that end at the same moment, half of each left; in the order given.

    They were used in the other order, so that the table does not keep them in this one.
    """
    end = timezone.now() + timedelta(days=1)
    for number in range(3):
        ledger.grant(
            customer.account, DOLLAR, expires_at=end, reference=f"gift:{number}", memo="Welcome"
        )
    given = list(Grant.objects.order_by("id").values_list("id", flat=True))
    for one in reversed(given):
        Grant.objects.filter(id=one).update(remaining_micros=DOLLAR // 2)
    return given


def left_of(grants: list[int]) -> list[int]:
    left = dict(Grant.objects.values_list("id", "remaining_micros"))
    return [left[one] for one in grants]


def test_of_gifts_that_end_together_the_one_given_first_is_used_first(bob: Customer) -> None:
    twins = half_used_twins(bob)
    ledger.hold(bob.account, DOLLAR // 2, reference="job:1")
    ledger.capture("job:1")
    assert left_of(twins) == [0, DOLLAR // 2, DOLLAR // 2]


def test_of_gifts_that_end_together_the_one_given_first_is_ended_first(bob: Customer) -> None:
    twins = half_used_twins(bob)
    assert ledger.expire_grants(timezone.now() + timedelta(days=2), limit=1) == 1
    assert left_of(twins) == [0, DOLLAR // 2, DOLLAR // 2]


def test_a_charge_uses_the_last_micro_dollar_of_a_gift_before_bought_credit(bob: Customer) -> None:
    give(bob, 1, days=1)
    buy(bob, 1)
    for job, micros in (("job:1", DOLLAR - 1), ("job:2", 1)):
        ledger.hold(bob.account, micros, reference=job)
        ledger.capture(job)
    assert Grant.objects.get().remaining_micros == 0
    assert ledger.expire_grants(timezone.now() + timedelta(days=2)) == 0
    assert bob.balance_micros == DOLLAR


def test_a_claw_back_of_one_micro_dollar_uses_one_of_a_gift(bob: Customer) -> None:
    give(bob, 1, days=1)
    ledger.claw_back(bob.account, 1, to=Code.STRIPE, kind=Kind.REFUND, reference="refund:1")
    assert Grant.objects.get().remaining_micros == bob.balance_micros == DOLLAR - 1


def test_a_debt_that_takes_more_than_was_bought_uses_up_gifts(bob: Customer) -> None:
    take(bob, 2)
    give(bob, 5, days=1)
    buy(bob, 1)
    assert Grant.objects.get().remaining_micros == bob.balance_micros == 4 * DOLLAR
