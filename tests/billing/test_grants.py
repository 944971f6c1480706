"""Promotional credit that ends: used first, the soonest first; what is left goes, and no more."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import Schedule

from billing import ledger, money, promotions, sums, tasks
from billing.models import Grant, LedgerAccount, Transfer
from tests.billing.races import together
from tests.cast import Customer

NOW = timezone.now()
LATER = NOW + timedelta(days=100)


def gift(customer: Customer, dollars: str, days: int, name: str = "gift") -> None:
    given = ledger.grant(
        customer.account,
        money.parse(dollars),
        expires_at=NOW + timedelta(days=days),
        reference=f"{name}:{days}",
        memo="A gift",
    )
    assert given


def buy(customer: Customer, dollars: str) -> None:
    ledger.deposit(
        customer.account,
        money.parse(dollars),
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
        reference=f"purchase:{customer.account.pk}",
    )


def film(customer: Customer, dollars: str, name: str = "1") -> None:
    ledger.hold(customer.account, money.parse(dollars), reference=f"job:{name}")
    ledger.capture(f"job:{name}")


def left(customer: Customer) -> list[str]:
    """What is left of each gift, the soonest to end first."""
    grants = Grant.objects.filter(account=customer.account).order_by("expires_at")
    return [money.decimal(grant.remaining_micros) for grant in grants]


def test_gifts_are_used_before_bought_credit_the_soonest_first(bob: Customer) -> None:
    buy(bob, "10")
    gift(bob, "2", days=20)
    gift(bob, "1", days=10)
    film(bob, "1.5")
    assert left(bob) == ["0.00", "1.50"]
    film(bob, "5", "2")
    assert left(bob) == ["0.00", "0.00"]
    assert ledger.expire_grants(LATER) == 0
    assert bob.balance_micros == money.parse("6.5")


def test_what_is_left_goes_at_the_end_and_not_before(bob: Customer) -> None:
    buy(bob, "10")
    gift(bob, "2", days=10)
    film(bob, "0.5")
    assert ledger.expire_grants(NOW + timedelta(days=10) - timedelta(microseconds=1)) == 0
    assert ledger.expire_grants(NOW + timedelta(days=10)) == 1
    assert bob.balance_micros == money.parse("10")
    expiry = Transfer.objects.get(kind=Transfer.Kind.EXPIRY)
    assert (expiry.amount_micros, expiry.memo) == (1_500_000, "Promotion expired")
    assert ledger.expire_grants(LATER) == 0


def test_a_released_job_gives_the_gift_back_whole(bob: Customer) -> None:
    gift(bob, "2", days=10)
    ledger.hold(bob.account, money.parse("1.5"), reference="job:1")
    ledger.release("job:1")
    assert left(bob) == ["2.00"]
    ledger.expire_grants(LATER)
    assert bob.balance_micros == 0


def test_what_a_running_job_holds_is_not_taken_and_the_rest_waits_for_it(bob: Customer) -> None:
    gift(bob, "2", days=10)
    ledger.hold(bob.account, money.parse("1.5"), reference="job:1")
    assert ledger.expire_grants(LATER) == 0
    assert (bob.balance_micros, bob.available_micros) == (2_000_000, 500_000)
    ledger.capture("job:1")
    assert ledger.expire_grants(LATER) == 1
    assert bob.balance_micros == 0


def test_bought_credit_may_stand_for_what_is_held(bob: Customer) -> None:
    buy(bob, "10")
    gift(bob, "2", days=10)
    ledger.hold(bob.account, money.parse("5"), reference="job:1")
    assert ledger.expire_grants(LATER) == 1
    assert (bob.balance_micros, bob.available_micros) == (10_000_000, 5_000_000)
    ledger.capture("job:1")
    assert bob.balance_micros == money.parse("5")


def test_expiry_never_takes_an_account_below_zero(bob: Customer) -> None:
    gift(bob, "5", days=10)
    ledger.claw_back(
        bob.account,
        money.parse("4"),
        to=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.REFUND,
        reference="refund:1",
    )
    assert ledger.expire_grants(LATER) == 1
    assert (bob.balance_micros, left(bob)) == (0, ["0.00"])
    assert sums.audit().faults == []


def test_credit_that_was_bought_or_given_without_an_end_never_ends(alice: Customer) -> None:
    buy(alice, "10")
    film(alice, "3")
    assert ledger.expire_grants(LATER) == 0
    assert alice.balance_micros == money.parse("32")


def test_a_gift_is_given_once_per_reference(bob: Customer) -> None:
    gift(bob, "2", days=10)
    assert not ledger.grant(bob.account, 1, expires_at=LATER, reference="gift:10", memo="Again")
    assert left(bob) == ["2.00"]


def test_the_page_shows_gifts_in_the_order_they_end_and_only_what_is_there(bob: Customer) -> None:
    gift(bob, "2", days=20)
    gift(bob, "1", days=10)
    shown = promotions.gifts_of(bob.account)
    assert [money.decimal(one.remaining_micros) for one in shown] == ["1.00", "2.00"]
    ledger.claw_back(
        bob.account,
        money.parse("1.5"),
        to=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.REFUND,
        reference="refund:1",
    )
    shown = promotions.gifts_of(bob.account)
    assert sum(one.remaining_micros for one in shown) == bob.balance_micros == money.parse("1.5")


def test_another_account_keeps_its_gifts(bob: Customer, charlie: Customer) -> None:
    gift(bob, "2", days=10)
    gift(charlie, "2", days=50)
    ledger.expire_grants(NOW + timedelta(days=20))
    assert (bob.balance_micros, charlie.balance_micros) == (0, money.parse("7"))


def test_the_task_ends_more_than_one_batch(bob: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    for days in range(1, 6):
        gift(bob, "1", days=-days)
    take_all = ledger.expire_grants
    monkeypatch.setattr(ledger, "EXPIRIES_MAX", 2)
    monkeypatch.setattr(ledger, "expire_grants", lambda now: take_all(now, 2))
    assert tasks.end_promotions() == "5 promotions ended"
    assert bob.balance_micros == 0


@pytest.mark.django_db
def test_the_task_runs_daily() -> None:
    plan = Schedule.objects.get(func="billing.tasks.end_promotions")
    assert plan.schedule_type == Schedule.DAILY


@pytest.mark.django_db(transaction=True)
def test_expiry_captures_and_releases_at_the_same_moment_add_up(bob: Customer) -> None:
    buy(bob, "10")
    for days in range(1, 6):
        gift(bob, "1", days=-days)
    for number in range(10):
        ledger.hold(bob.account, money.parse("1"), reference=f"job:{number}")
    ends: list[Callable[[], object]] = [
        *(lambda n=n: ledger.capture(f"job:{n}") for n in range(5)),
        *(lambda n=n: ledger.release(f"job:{n}") for n in range(5, 10)),
        *(lambda: ledger.expire_grants(NOW) for _ in range(5)),
    ]
    assert not [one for one in together(ends) if isinstance(one, BaseException)]
    ledger.expire_grants(NOW)
    assert sums.audit().faults == []
    assert left(bob) == ["0.00"] * 5
    # Five films were paid, from gifts as far as these had not ended; nothing else is gone.
    expired = sum(one.amount_micros for one in Transfer.objects.filter(kind=Transfer.Kind.EXPIRY))
    assert bob.balance_micros == money.parse("10") - expired
    assert 0 <= expired <= money.parse("5")
