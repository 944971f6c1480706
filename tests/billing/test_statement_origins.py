"""What stands behind a line: the receipt of a purchase, and what a refund or dispute is about."""

import html
import re

from django.utils import timezone

from billing import checkout, ledger, money, statement
from billing.models import Dispute, LedgerAccount, Purchase, Refund, Transfer
from billing.statement import Line
from tests.cast import Customer

Code = LedgerAccount.Code
Kind = Transfer.Kind


def bought(customer: Customer, dollars: str, payment: str, bonus: str = "0") -> Purchase:
    purchase = Purchase.objects.create(
        account=customer.account,
        amount_micros=money.parse(dollars),
        bonus_micros=money.parse(bonus),
    )
    checkout.credit(purchase, payment, charged_cents=money.whole_cents(purchase.amount_micros))
    purchase.refresh_from_db()
    return purchase


def took_back(purchase: Purchase, row: Refund | Dispute, reference: str, kind: Kind) -> None:
    for part, micros in (("", row.amount_micros), (":bonus", row.bonus_micros)):
        if micros:
            ledger.claw_back(
                purchase.account,
                micros,
                to=Code.STRIPE,
                kind=Kind.BONUS_BACK if part else kind,
                reference=reference + part,
                memo="Taken back",
            )


def lines(customer: Customer) -> list[Line]:
    return statement.lines(customer.account, statement.movements(customer.account))


def test_a_purchase_and_its_bonus_know_their_purchase(bob: Customer) -> None:
    purchase = bought(bob, "100", "pi_1", bonus="5")
    assert [(line.kind, line.purchase_id, line.is_purchase) for line in lines(bob)] == [
        ("bonus", purchase.pk, False),
        ("purchase", purchase.pk, True),
    ]


def test_a_refund_and_its_bonus_name_the_purchase_they_belong_to(bob: Customer) -> None:
    first, second = bought(bob, "100", "pi_1", bonus="5"), bought(bob, "10", "pi_2")
    refund = Refund.objects.create(
        id="re_1", purchase=first, amount_micros=50_000_000, bonus_micros=2_500_000, status="x"
    )
    took_back(first, refund, "refund:re_1", Kind.REFUND)
    found = {line.reference: line.purchase_id for line in lines(bob)}
    assert found["refund:re_1"] == found["refund:re_1:bonus"] == first.pk
    assert found["purchase:pi_2"] == second.pk


def test_both_ways_of_a_dispute_name_the_purchase(bob: Customer) -> None:
    purchase = bought(bob, "100", "pi_1")
    dispute = Dispute.objects.create(
        id="du_1", purchase=purchase, amount_micros=100_000_000, status="won", money_out=True
    )
    took_back(purchase, dispute, "dispute:du_1:out", Kind.DISPUTE)
    ledger.deposit(
        bob.account,
        dispute.amount_micros,
        source=Code.DISPUTES,
        kind=Kind.DISPUTE_WON,
        reference="dispute:du_1:in",
    )
    assert [line.purchase_id for line in lines(bob)] == [purchase.pk] * 3


def test_a_gift_and_a_film_belong_to_no_purchase(alice: Customer) -> None:
    ledger.hold(alice.account, 420_000, reference="generation:1")
    ledger.capture("generation:1")
    assert [line.purchase for line in lines(alice)] == [None, None]


def test_what_another_account_bought_is_never_named(bob: Customer, charlie: Customer) -> None:
    bought(charlie, "10", "pi_charlie")
    ledger.deposit(
        bob.account,
        1,
        source=Code.STRIPE,
        kind=Kind.REFUND_FAILED,
        reference="purchase:pi_charlie",
    )
    assert [line.purchase for line in lines(bob)] == [None]


def test_the_page_links_the_receipt_and_says_what_a_refund_is_of(bob: Customer) -> None:
    purchase = bought(bob, "100", "pi_1")
    refund = Refund.objects.create(
        id="re_1", purchase=purchase, amount_micros=10_000_000, status="succeeded"
    )
    took_back(purchase, refund, "refund:re_1", Kind.REFUND)
    page = html.unescape(bob.browser.get("/billing").content.decode())
    row = page.partition('data-kind="refund"')[2].partition("</tr>")[0]
    day = f"{timezone.now():%d %b %Y}".lstrip("0")
    assert f"of $100.00 bought on {day}" in re.sub(r"<[^>]+>", "", row)
    assert f'href="/billing/receipts/{purchase.pk}"' in row
    row = page.partition('data-kind="purchase"')[2].partition("</tr>")[0]
    assert f'href="/billing/receipts/{purchase.pk}"' in row
