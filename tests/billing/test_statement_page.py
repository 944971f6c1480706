"""The statement on the billing page: own lines only, readable, page by page."""

import html
import re

import pytest
from django.test import Client

from billing import ledger, money
from billing.models import LedgerAccount, Transfer
from billing.page import STATEMENT_ROWS
from tests.cast import Customer


def rows(customer: Customer, query: str = "") -> list[list[str]]:
    """The statement's cells as a reader sees them, row by row, without the date."""
    shown = html.unescape(customer.browser.get(f"/billing{query}").content.decode())
    body = shown.partition('id="statement"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [
            re.sub(r"<[^>]+>", "", cell).strip()
            for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)
        ][1:]
        for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    ]


def give(customer: Customer, number: int, dollars: str = "1", memo: str = "Credit bought") -> None:
    ledger.deposit(
        customer.account,
        money.parse(dollars),
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
        reference=f"purchase:{customer.account.pk}:{number}",
        memo=memo,
    )


def test_lines_show_what_how_much_and_the_balance_after_it(alice: Customer) -> None:
    give(alice, 1, "10")
    ledger.hold(alice.account, money.parse("0.945"), reference="job:1", memo="A horse, 5 s")
    ledger.capture("job:1")
    assert rows(alice) == [
        ["A horse, 5 s", "-$0.945", "$34.055"],
        ["Credit bought", "+$10.00", "$35.00"],
        ["Promotion", "+$25.00", "$25.00"],
    ]


def test_an_empty_statement_says_so(bob: Customer) -> None:
    assert rows(bob) == []
    assert "Nothing yet." in bob.browser.get("/billing").content.decode()


def test_only_own_lines_are_shown(alice: Customer, charlie: Customer) -> None:
    give(alice, 1, "77.77", memo="Alice's secret")
    shown = html.unescape(charlie.browser.get("/billing").content.decode())
    assert "Alice's secret" not in shown
    assert "77.77" not in shown
    assert rows(charlie) == [["Promotion", "+$5.00", "$5.00"]]


def test_a_line_that_names_a_film_is_shown_as_text_when_the_reference_is_no_film(
    alice: Customer,
) -> None:
    give(alice, 1, memo="<b>bold</b>")
    assert "&lt;b&gt;bold&lt;/b&gt;" in alice.browser.get("/billing").content.decode()


def test_a_long_statement_goes_on_with_the_balance_of_its_time(bob: Customer) -> None:
    for number in range(1, STATEMENT_ROWS + 3):
        give(bob, number)
    assert len(rows(bob)) == STATEMENT_ROWS
    assert rows(bob, "?page=2") == [
        ["Credit bought", "+$1.00", "$2.00"],
        ["Credit bought", "+$1.00", "$1.00"],
    ]


@pytest.mark.parametrize("page", ["0", "-1", "99", "abc", ""])
def test_a_page_that_does_not_exist_shows_one_that_does(alice: Customer, page: str) -> None:
    assert rows(alice, f"?page={page}") == [["Promotion", "+$25.00", "$25.00"]]


def test_the_operators_books_can_be_looked_at_and_not_changed(alice: Customer) -> None:
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save(update_fields=["is_staff", "is_superuser"])
    transfer = Transfer.objects.get()
    for model in ("ledgeraccount", "transfer", "hold", "purchase", "stripeevent"):
        assert alice.browser.get(f"/admin/billing/{model}/").status_code == 200, model
        assert alice.browser.get(f"/admin/billing/{model}/add/").status_code == 403, model
    path = f"/admin/billing/transfer/{transfer.pk}"
    assert alice.browser.get(f"{path}/change/").status_code == 200
    assert alice.browser.post(f"{path}/change/", {"amount_micros": "1"}).status_code == 403
    assert alice.browser.post(f"{path}/delete/", {"post": "yes"}).status_code == 403


def test_the_operators_books_are_closed_to_customers(alice: Customer) -> None:
    for browser in (alice.browser, Client()):
        answer = browser.get("/admin/billing/transfer/")
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")
