"""The billing page: balance, packs, any other sum between the limits, and a way to Stripe."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from billing import ledger, money
from billing.models import Purchase
from tests.billing.stripe_desk import Desk, purchase_of
from tests.cast import Customer

LIMITS = "Choose a sum from $5.00 to $500.00."


def page(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def errors_beside(answer: Any, name: str) -> str:
    """What the page says beside the field, without markup."""
    found = re.search(rf'<div id="id_{name}_error">(.*?)</div>', page(answer), re.DOTALL)
    assert found is not None, f"nothing is said beside {name}"
    return re.sub(r"<[^>]+>", "", found[1]).strip()


def buy(customer: Customer, **entry: str) -> Any:
    return customer.browser.post("/billing", entry)


@pytest.mark.django_db
def test_the_page_asks_for_sign_in() -> None:
    answer = Client().get("/billing")
    assert (answer.status_code, answer["Location"]) == (302, "/account/login/?next=/billing")


@pytest.mark.django_db
def test_buying_asks_for_sign_in() -> None:
    assert Client().post("/billing", {"pack": "25"}).status_code == 302
    assert not Purchase.objects.exists()


def test_the_page_shows_what_can_be_spent_and_what_is_held(alice: Customer) -> None:
    ledger.hold(alice.account, money.parse("0.945"), reference="generation:1")
    shown = page(alice.browser.get("/billing"))
    assert re.search(r'id="available">\s*\$24\.055\s*<', shown)
    assert re.search(r'id="held">\s*\$0\.945\s*<', shown)


def test_nothing_held_is_not_mentioned(alice: Customer) -> None:
    assert 'id="held"' not in page(alice.browser.get("/billing"))


def test_the_page_offers_the_packs_and_another_sum(bob: Customer) -> None:
    shown = page(bob.browser.get("/billing"))
    values = re.findall(r'<input type="radio" name="pack"[^>]*value="(\w+)"', shown)
    assert values == ["10", "25", "50", "100", "other"]
    assert re.findall(r'value="(\w+)" checked', shown) == ["25"]


@pytest.mark.parametrize("pack", ["10", "25", "50", "100"])
def test_a_pack_leads_to_the_payment_page(bob: Customer, desk: Desk, pack: str) -> None:
    answer = buy(bob, pack=pack)
    purchase = purchase_of(bob.account)
    assert answer.status_code == 303
    assert answer["Location"] == f"{desk.url}/pay/{purchase.session}"
    assert purchase.amount_micros == money.parse(pack)


@pytest.mark.parametrize("amount", ["5", "5.00", "$12.50", " 499.99 ", "500"])
@pytest.mark.usefixtures("desk")
def test_any_sum_between_the_limits_leads_to_the_payment_page(bob: Customer, amount: str) -> None:
    answer = buy(bob, pack="other", amount=amount)
    assert answer.status_code == 303
    assert purchase_of(bob.account).amount_micros == money.parse(amount)


@pytest.mark.usefixtures("desk")
def test_a_pack_wins_over_a_sum_left_in_the_other_field(bob: Customer) -> None:
    buy(bob, pack="10", amount="77")
    assert purchase_of(bob.account).amount_micros == money.parse("10")


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("4.99", LIMITS),
        ("0", LIMITS),
        ("500.01", LIMITS),
        ("999999999999", LIMITS),
        ("10.001", "$10.001 is not a whole number of cents."),
        ("abc", "Write a sum in dollars such as 25 or 12.50, not 'abc'."),
        ("-10", "Write a sum in dollars such as 25 or 12.50, not '-10'."),
        ("1,000", "Write a sum in dollars such as 25 or 12.50, not '1,000'."),
        ("", "Write a sum in dollars such as 25 or 12.50, not ''."),
        ("1" * 21, "Ensure this value has at most 20 characters (it has 21)."),
        ("10\x00", "Null characters are not allowed."),
    ],
)
def test_any_other_sum_is_refused_beside_its_field(
    bob: Customer, amount: str, sentence: str
) -> None:
    answer = buy(bob, pack="other", amount=amount)
    assert answer.status_code == 200
    assert errors_beside(answer, "amount") == sentence
    assert not Purchase.objects.exists()


def test_a_refused_sum_stays_in_its_field(bob: Customer) -> None:
    shown = page(buy(bob, pack="other", amount="4.99"))
    assert re.search(r'name="amount"[^>]*value="4\.99"', shown)
    assert re.findall(r'value="(\w+)" checked', shown) == ["other"]


@pytest.mark.parametrize("entry", [{"pack": "7"}, {"pack": "-10"}, {"amount": "25"}])
def test_a_pack_that_is_not_sold_is_refused(bob: Customer, entry: dict[str, str]) -> None:
    answer = buy(bob, **entry)
    assert answer.status_code == 200
    assert errors_beside(answer, "pack")
    assert not Purchase.objects.exists()


def test_when_stripe_does_not_answer_the_buyer_is_told_and_not_charged(
    bob: Customer, desk: Desk
) -> None:
    desk.control("faults", path="/v1/checkout/sessions", status=400, times=1)
    answer = buy(bob, pack="25")
    assert answer.status_code == 200
    assert "The payment service does not answer. You were not charged" in page(answer)
    assert bob.balance_micros == 0


def test_the_header_of_every_page_shows_the_balance(alice: Customer) -> None:
    ledger.hold(alice.account, money.parse("1"), reference="generation:1")
    for path in ("/", "/billing", "/account/keys", "/docs"):
        assert "$24.00" in page(alice.browser.get(path)), path


@pytest.mark.django_db
def test_a_visitor_without_account_is_shown_no_balance() -> None:
    answer = Client().get("/")
    assert answer.status_code == 200
    assert answer.context["account"] is None
    assert "balance_micros" not in answer.context
