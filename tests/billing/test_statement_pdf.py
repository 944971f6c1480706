"""The statement of a month as PDF: what it says, that it adds up, and that it is the same again."""

import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pypdf import PdfReader

from billing import ledger, money, statement_pages, statement_pdf
from billing.models import LedgerAccount, Transfer
from billing.statement import Line
from tests.cast import Customer

DAY = date(2026, 12, 2)


def line(number: int, change: str, what: str = "Film") -> Line:
    micros = money.parse(change.removeprefix("-")) * (-1 if change.startswith("-") else 1)
    at = datetime(2026, 11, 1 + number % 28, 9, 5, tzinfo=UTC)
    return Line(at, "capture", what, micros, 0, f"job:{number}", None)


def month(lines: list[Line], opening: str = "25", **changes: Any) -> statement_pdf.Month:
    facts: dict[str, Any] = {
        "account": "ada@example.com",
        "account_id": "0b0e",
        "first_day": date(2026, 11, 1),
        "made_on": DAY,
        "opening_micros": money.parse(opening),
        "lines": lines,
    }
    return statement_pdf.Month(**(facts | changes))


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def test_it_says_whose_which_month_and_every_sum() -> None:
    (text,) = pages(statement_pdf.draw(month([line(0, "-0.945", "A horse, 5 s"), line(1, "10")])))
    for words in (
        "Gallop",
        "November 2026",
        "ada@example.com",
        "Account 0b0e",
        "Made on 2 December 2026",
        "Opening balance",
        "$25.00",
        "1 Nov 09:05",
        "A horse, 5 s",
        "-$0.945",
        "$24.055",
        "+$10.00",
        "Closing balance",
        "$34.055",
        "Page 1 of 1",
    ):
        assert words in text


def test_the_closing_balance_is_the_opening_one_and_every_movement() -> None:
    lines = [line(number, "-0.000001") for number in range(999)]
    assert month(lines, "1").closing_micros == 999_001
    assert "$0.999001" in pages(statement_pdf.draw(month(lines, "1")))[-1]


def test_the_same_month_on_the_same_day_is_the_same_file() -> None:
    lines = [line(number, "1") for number in range(60)]
    assert statement_pdf.draw(month(lines)) == statement_pdf.draw(month(lines))


def test_a_long_month_goes_on_over_pages_and_loses_no_line() -> None:
    lines = [line(number, "1", f"Film number {number}.") for number in range(200)]
    texts = pages(statement_pdf.draw(month(lines)))
    assert len(texts) > 3
    whole = "\n".join(texts)
    assert all(f"Film number {number}." in whole for number in range(200))
    assert [f"Page {number} of {len(texts)}" in text for number, text in enumerate(texts, 1)] == [
        True
    ] * len(texts)
    assert ["Closing balance" in text for text in texts] == [False] * (len(texts) - 1) + [True]


def test_a_long_description_is_wrapped_not_cut() -> None:
    what = " ".join(f"word{number}" for number in range(40))
    (text,) = pages(statement_pdf.draw(month([line(0, "1", what)])))
    assert all(word in text for word in what.split())


def test_letters_that_the_fonts_lack_do_no_harm() -> None:
    (text,) = pages(statement_pdf.draw(month([line(0, "1", "Pferd · größer · 🐎")], account="🐎")))
    assert "Pferd · größer · ?" in text


def test_names_in_chinese_are_set_in_chinese() -> None:
    (text,) = pages(statement_pdf.draw(month([line(0, "1", "马 · 5 s")], account="奔马工作室")))
    assert "马" in text
    assert "奔马工作室" in text


def test_a_month_without_movements_says_so() -> None:
    (text,) = pages(statement_pdf.draw(month([])))
    assert "Nothing moved in this month." in text
    assert text.count("$25.00") == 2


def test_the_page_gives_the_month_of_its_own_account(alice: Customer, charlie: Customer) -> None:
    ledger.deposit(
        alice.account,
        money.parse("1.5"),
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
        reference="purchase:1",
        memo="Credit bought",
    )
    this_month = f"{Transfer.objects.latest('id').created_at:%Y-%m}"
    answer = alice.browser.get(f"/billing/statement.pdf?month={this_month}")
    assert answer["Content-Type"] == "application/pdf"
    assert f"gallop-statement-{this_month}.pdf" in answer["Content-Disposition"]
    (text,) = pages(answer.content)
    assert "Credit bought" in text
    assert "$26.50" in text
    (text,) = pages(charlie.browser.get(f"/billing/statement.pdf?month={this_month}").content)
    assert "Credit bought" not in text


def test_a_later_month_opens_with_the_balance(alice: Customer) -> None:
    (text,) = pages(alice.browser.get("/billing/statement.pdf?month=2999-12").content)
    assert "Opening balance" in text
    assert text.count("$25.00") == 2


@pytest.mark.parametrize("asked", ["", "?month=", "?month=2026-13", "?month=9999-12", "?month=x"])
def test_a_month_that_cannot_be_read_leads_back(alice: Customer, asked: str) -> None:
    answer = alice.browser.get(f"/billing/statement.pdf{asked}")
    assert (answer.status_code, answer["Location"]) == (302, "/billing")


def test_a_month_too_long_for_paper_is_offered_as_a_table(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement_pages, "PDF_LINES_MAX", 0)
    this_month = f"{Transfer.objects.get().created_at:%Y-%m}"
    answer = alice.browser.get(f"/billing/statement.pdf?month={this_month}", follow=True)
    assert "Take the CSV instead." in answer.content.decode()
