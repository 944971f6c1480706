"""Bonus packs: credit on top, out of promotions, shown before buying, given back in proportion."""

import html
import re

import pytest
from pytest_django import Settings

from billing import checkout, ledger, money
from billing.models import LedgerAccount, Purchase, Transfer
from tests.billing.stripe_desk import PAYS, Desk, purchase_of
from tests.cast import Customer

Kind = Transfer.Kind


@pytest.fixture(autouse=True)
def _five_percent(settings: Settings) -> None:
    settings.BONUS_PERCENT = {100: 5, 250: 8}


def booked(kind: Kind) -> list[tuple[str, int, str, str]]:
    """The transfers of a kind: reference, sum, and the operator's side of each."""
    rows = Transfer.objects.filter(kind=kind).order_by("id")
    return [(one.reference, one.amount_micros, str(one.debit), str(one.credit)) for one in rows]


def bought(customer: Customer, desk: Desk, dollars: str) -> Purchase:
    session = desk.bought(customer, dollars)
    assert desk.deliver(session, "checkout.session.completed").status_code == 200
    return purchase_of(customer.account)


def refunded(desk: Desk, purchase: Purchase, dollars: str) -> None:
    """Refund a part in Stripe's dashboard, and deliver its event."""
    refund = desk.api.v1.refunds.create(
        {
            "payment_intent": purchase.payment_intent,
            "amount": money.whole_cents(money.parse(dollars)),
        }
    )
    assert desk.deliver(refund.id, "refund.created").status_code == 200


@pytest.mark.parametrize(
    ("dollars", "bonus"),
    [
        ("99.99", "0.00"),
        ("100", "5.00"),
        ("100.01", "5.0005"),
        ("249.99", "12.4995"),
        ("250", "20.00"),
    ],
)
def test_the_best_step_that_is_reached_counts(dollars: str, bonus: str) -> None:
    assert money.decimal(checkout.bonus_on(money.parse(dollars))) == bonus


def test_a_hundred_dollars_give_a_hundred_and_five(bob: Customer, desk: Desk) -> None:
    purchase = bought(bob, desk, "100")
    reference = f"purchase:{purchase.payment_intent}"
    assert bob.available_micros == money.parse("105")
    assert purchase.charged_cents == 10_000
    (paid,), (extra,) = booked(Kind.PURCHASE), booked(Kind.BONUS)
    assert paid[:3] == (reference, money.parse("100"), LedgerAccount.Code.STRIPE)
    assert extra[:3] == (reference, money.parse("5"), LedgerAccount.Code.PROMOTIONS)


def test_the_bonus_is_never_revenue(bob: Customer, desk: Desk) -> None:
    bought(bob, desk, "100")
    assert not Transfer.objects.filter(credit__code="revenue").exists()


def test_told_twice_the_bonus_comes_once(bob: Customer, desk: Desk) -> None:
    purchase = bought(bob, desk, "100")
    assert purchase.session is not None
    checkout.fulfil(purchase.session)
    desk.deliver(purchase.session, "checkout.session.completed")
    assert bob.balance_micros == money.parse("105")


def test_a_step_that_changes_while_somebody_pays_does_not_change_the_promise(
    bob: Customer, desk: Desk, settings: Settings
) -> None:
    session = desk.started(bob, "100")
    settings.BONUS_PERCENT = {}
    desk.fill(session, PAYS)
    desk.deliver(session, "checkout.session.completed")
    assert bob.balance_micros == money.parse("105")


def test_a_whole_refund_takes_the_whole_bonus(bob: Customer, desk: Desk) -> None:
    refunded(desk, bought(bob, desk, "100"), "100")
    assert bob.balance_micros == 0
    ((_, bonus, _, to),) = booked(Kind.BONUS_BACK)
    assert (bonus, to) == (money.parse("5"), LedgerAccount.Code.PROMOTIONS)


def test_a_part_refunded_takes_the_same_part_of_the_bonus(bob: Customer, desk: Desk) -> None:
    purchase = bought(bob, desk, "100")
    refunded(desk, purchase, "30")
    assert bob.balance_micros == money.parse("73.5")
    assert [row[1] for row in booked(Kind.BONUS_BACK)] == [money.parse("1.5")]
    refunded(desk, purchase, "70")
    assert bob.balance_micros == 0
    assert sum(row[1] for row in booked(Kind.BONUS_BACK)) == money.parse("5")


def test_a_bonus_that_was_used_is_owed_after_a_refund(bob: Customer, desk: Desk) -> None:
    purchase = bought(bob, desk, "100")
    ledger.hold(bob.account, money.parse("8"), reference="job:1")
    ledger.capture("job:1")
    refunded(desk, purchase, "100")
    book = ledger.book(bob.account)
    assert (book.balance_micros, book.receivable_micros) == (0, money.parse("8"))


def shown(customer: Customer) -> str:
    return html.unescape(customer.browser.get("/billing").content.decode())


def test_the_pack_shows_percent_and_the_exact_bonus(bob: Customer) -> None:
    packs = re.findall(r'<label class="pack">(.*?)</label>', shown(bob), re.DOTALL)
    words = {re.findall(r'value="(\d+)"', pack)[0]: re.sub(r"<[^>]+>", " ", pack) for pack in packs}
    assert "+5 %" in words["100"]
    assert "$5.00 bonus" in words["100"]
    assert "bonus" not in words["50"]


def test_the_steps_are_told_without_script_and_given_to_it(bob: Customer) -> None:
    text = shown(bob)
    assert 'data-steps="100=5,250=8"' in text
    assert "From $100 on you get 5 % more credit." in text


def test_without_a_bonus_the_page_says_nothing_of_it(bob: Customer, settings: Settings) -> None:
    settings.BONUS_PERCENT = {}
    text = shown(bob)
    assert 'id="bonus"' not in text
    assert "pack__bonus" not in text
