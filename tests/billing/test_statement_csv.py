"""The statement as CSV: streamed, exact, and harmless in a spreadsheet."""

import csv
import io
from datetime import datetime

import pytest

from billing import ledger, money, statement, statement_csv
from billing.models import LedgerAccount, Transfer
from tests.cast import Customer

HEADINGS = ["time", "kind", "description", "amount_usd", "balance_usd", "reference", "purchase"]


def taken(customer: Customer, query: str = "") -> list[list[str]]:
    answer = customer.browser.get(f"/billing/statement.csv{query}")
    assert answer.status_code == 200
    assert answer.streaming
    return list(csv.reader(io.StringIO(answer.getvalue().decode(), newline="")))


def film(customer: Customer, number: int, dollars: str, memo: str = "Film") -> None:
    ledger.hold(customer.account, money.parse(dollars), reference=f"job:{number}", memo=memo)
    ledger.capture(f"job:{number}")


def test_lines_come_oldest_first_with_exact_dollars(alice: Customer) -> None:
    film(alice, 1, "0.945")
    film(alice, 2, "0.000001")
    headings, *rows = taken(alice)
    assert headings == HEADINGS
    assert [row[1:6] for row in rows] == [
        ["promotion", "Promotion", "25.00", "25.00", "for alice"],
        ["capture", "Film", "-0.945", "24.055", "job:1"],
        ["capture", "Film", "-0.000001", "24.054999", "job:2"],
    ]


def test_times_are_iso_8601_in_utc(alice: Customer) -> None:
    (at, *_) = taken(alice)[1]
    assert at.endswith("Z")
    assert datetime.fromisoformat(at) == Transfer.objects.get().created_at


def test_only_the_chosen_lines_come_with_the_balance_of_all(alice: Customer) -> None:
    film(alice, 1, "1")
    assert [row[1:5] for row in taken(alice, "?kind=films")[1:]] == [
        ["capture", "Film", "-1.00", "24.00"]
    ]
    assert taken(alice, "?since=2999-01-01") == [HEADINGS]


def test_a_filter_that_cannot_be_read_gives_no_file(alice: Customer) -> None:
    answer = alice.browser.get("/billing/statement.csv?since=yesterday")
    assert (answer.status_code, answer["Location"]) == (302, "/billing")


def test_another_customers_lines_are_not_in_it(alice: Customer, charlie: Customer) -> None:
    film(alice, 1, "1", memo="secret")
    assert [row[1] for row in taken(charlie)[1:]] == ["promotion"]


@pytest.mark.parametrize(
    "memo", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "\n=1"]
)
def test_no_description_runs_as_a_formula(alice: Customer, memo: str) -> None:
    film(alice, 1, "1", memo=memo)
    assert taken(alice)[2][2] == f"'{memo}"


@pytest.mark.parametrize("memo", ["Film", 'say "horse", twice', "a = b", "5 s - 1080p"])
def test_a_harmless_description_is_kept_as_it_is(memo: str) -> None:
    assert statement_csv.harmless(memo) == memo


def test_a_long_statement_is_whole(bob: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement, "LINES_AT_ONCE", 7)
    for number in range(20):
        ledger.deposit(
            bob.account,
            1,
            source=LedgerAccount.Code.STRIPE,
            kind=Transfer.Kind.PURCHASE,
            reference=f"purchase:{number}",
        )
    rows = taken(bob)[1:]
    assert [row[4] for row in rows] == [money.decimal(number) for number in range(1, 21)]


def test_the_file_is_named_and_typed(alice: Customer) -> None:
    answer = alice.browser.get("/billing/statement.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "gallop-statement.csv" in answer["Content-Disposition"]
    assert alice.browser.post("/billing/statement.csv").status_code == 405
