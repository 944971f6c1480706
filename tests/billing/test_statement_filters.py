"""The statement on the page: a row of filters, links that keep them, held credit above."""

import html
import re

import pytest
from django.test import Client

from billing import ledger, money, page
from billing.models import LedgerAccount, Transfer
from tests.cast import Customer


def give(customer: Customer, number: int, kind: Transfer.Kind = Transfer.Kind.PURCHASE) -> None:
    ledger.deposit(
        customer.account,
        money.parse("1"),
        source=LedgerAccount.Code.STRIPE,
        kind=kind,
        reference=f"{customer.account.pk}:{number}",
    )


def shown(customer: Customer, query: str = "") -> str:
    answer = customer.browser.get(f"/billing{query}")
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def kinds(text: str) -> list[str]:
    return re.findall(r'<tr data-kind="(\w+)"', text)


def test_a_kind_is_chosen_by_the_address(alice: Customer) -> None:
    give(alice, 1)
    text = shown(alice, "?kind=purchases")
    assert kinds(text) == ["purchase"]
    assert "$26.00" in text
    assert '<option value="purchases" selected>' in text


def test_days_are_chosen_by_the_address(alice: Customer) -> None:
    assert kinds(shown(alice, "?since=2000-01-01&until=2999-12-31")) == ["promotion"]
    assert kinds(shown(alice, "?until=2000-01-02")) == []
    assert "Nothing of this kind in these days." in shown(alice, "?until=2000-01-02")


def test_the_links_to_other_pages_keep_the_filter(bob: Customer) -> None:
    for number in range(page.STATEMENT_ROWS + 1):
        give(bob, number)
    text = shown(bob, "?kind=purchases&since=2000-01-01")
    (older,) = re.findall(r'rel="next" href="([^"#]+)', text)
    assert older == "/billing?kind=purchases&since=2000-01-01&page=2"
    text = html.unescape(bob.browser.get(older).content.decode())
    assert kinds(text) == ["purchase"]
    assert "$1.00" in text.partition('id="statement"')[2]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("?kind=everything", "kind"),
        ("?since=yesterday", "since"),
        ("?until=2026-02-30", "until"),
        ("?until=9999-12-31", "until"),
        ("?since=0001-01-01", "since"),
        ("?since=2026-11-02&until=2026-11-01", "until"),
    ],
)
def test_what_cannot_be_read_is_said_beside_the_field(
    alice: Customer, query: str, name: str
) -> None:
    text = shown(alice, query)
    assert f'id="id_{name}_error"' in text
    assert kinds(text) == ["promotion"]


def test_held_credit_stands_above_as_one_line(alice: Customer) -> None:
    ledger.hold(alice.account, money.parse("0.945"), reference="generation:1")
    ledger.hold(alice.account, money.parse("0.42"), reference="generation:2")
    line = shown(alice).partition('id="held-line"')[2].partition("</p>")[0]
    assert "Held for 2 films in the making" in line
    assert "$1.365" in line


def test_nothing_held_has_no_line(alice: Customer) -> None:
    assert 'id="held-line"' not in shown(alice)


def test_what_is_owed_and_a_frozen_account_are_said_above(alice: Customer) -> None:
    assert 'id="owed"' not in shown(alice)
    assert 'id="frozen"' not in shown(alice)
    ledger.claw_back(
        alice.account,
        money.parse("26.5"),
        to=LedgerAccount.Code.DISPUTES,
        kind=Transfer.Kind.DISPUTE,
        reference="dispute:du_1:out",
    )
    ledger.set_frozen(alice.account, frozen=True)
    text = shown(alice)
    assert "$1.50 of credit had been spent" in text.partition('id="owed"')[2]
    assert "Spending is paused" in text.partition('id="frozen"')[2]


def test_an_empty_statement_offers_nothing_to_choose_or_take_away(bob: Customer) -> None:
    text = shown(bob)
    assert 'id="statement-form"' not in text
    assert 'id="pdf"' not in text


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/billing/statement.csv", "/billing/statement.pdf?month=2026-11"])
def test_taking_the_statement_away_asks_for_sign_in(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/")
