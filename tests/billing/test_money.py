"""Micro-dollars: what is read, what is shown, and that nothing is lost between the two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import money

LARGEST_MICROS = 10**money.DOLLAR_DIGITS_MAX * money.MICROS_PER_DOLLAR - 1

sums = st.integers(0, LARGEST_MICROS)

# The protocol sheet's prices for 3 to 15 seconds, in dollars.
PRICE_TABLE = {
    "0.14": (
        *("0.42", "0.56", "0.70", "0.84", "0.98", "1.12", "1.26"),
        *("1.40", "1.54", "1.68", "1.82", "1.96", "2.10"),
    ),
    "0.189": (
        *("0.567", "0.756", "0.945", "1.134", "1.323", "1.512", "1.701"),
        *("1.89", "2.079", "2.268", "2.457", "2.646", "2.835"),
    ),
}


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("25", 25_000_000),
        ("$12.50", 12_500_000),
        ("0.189", 189_000),
        ("0.000001", 1),
        ("  10 ", 10_000_000),
        ("007", 7_000_000),
        ("0", 0),
        ("999999999999.999999", LARGEST_MICROS),
    ],
)
def test_a_sum_in_dollars_is_read_exactly(text: str, micros: int) -> None:
    assert money.parse(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "-5",
        "+5",
        "1,000",
        "1.",
        ".5",
        "1.2.3",
        "1e3",
        "0x10",
        "$",
        "$$5",
        "5 $",
        "5 dollars",
        "0.1234567",
        "1000000000000",
        "١٢",
        "½",
        "NaN",
        "inf",
        "5\n6",
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(money.InvalidAmount, match=r"such as 25 or 12\.50") as refused:
        money.parse(text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    ("micros", "shown"),
    [
        (0, "$0.00"),
        (1, "$0.000001"),
        (945_000, "$0.945"),
        (24_055_000, "$24.055"),
        (25_000_000, "$25.00"),
        (1_890_000, "$1.89"),
        (1_234_567_890_000, "$1,234,567.89"),
        (-420_000, "-$0.42"),
        (-1, "-$0.000001"),
    ],
)
def test_a_person_sees_two_decimals_and_every_further_digit_that_counts(
    micros: int, shown: str
) -> None:
    assert money.display(micros) == shown


@pytest.mark.parametrize(
    ("micros", "shown"),
    [(0, "0.00"), (24_055_000, "24.055"), (1_234_567_000_000, "1234567.00"), (-500_000, "-0.50")],
)
def test_a_program_sees_neither_dollar_sign_nor_separator(micros: int, shown: str) -> None:
    assert money.decimal(micros) == shown


@given(sums)
def test_what_is_written_for_a_program_reads_back_as_the_same_sum(micros: int) -> None:
    assert money.parse(money.decimal(micros)) == micros


@given(sums)
def test_what_is_shown_to_a_person_reads_back_as_the_same_sum(micros: int) -> None:
    assert money.parse(money.display(micros).replace(",", "")) == micros


@given(sums)
def test_a_debt_is_shown_as_the_sum_with_a_sign(micros: int) -> None:
    expected = f"-{money.display(micros)}" if micros else "$0.00"
    assert money.display(-micros) == expected


@given(st.text(max_size=20))
def test_no_text_does_more_than_be_a_sum_or_be_refused(text: str) -> None:
    try:
        micros = money.parse(text)
    except money.InvalidAmount:
        return
    assert 0 <= micros <= LARGEST_MICROS


@given(st.integers(0, 10**9))
def test_cents_become_micro_dollars_and_cents_again(cents: int) -> None:
    assert money.whole_cents(money.from_cents(cents)) == cents


@given(st.integers(0, 10**9), st.integers(1, money.MICROS_PER_CENT - 1))
def test_parts_of_a_cent_are_refused_never_rounded(cents: int, part: int) -> None:
    with pytest.raises(ValueError, match="not a whole number of cents"):
        money.whole_cents(money.from_cents(cents) + part)


def test_the_refusal_of_parts_of_a_cent_names_the_sum() -> None:
    with pytest.raises(ValueError, match=r"^\$10\.001 is not a whole number of cents\.$"):
        money.whole_cents(money.parse("10.001"))


@pytest.mark.parametrize("per_second", PRICE_TABLE)
def test_the_price_table_is_exact_for_every_duration(per_second: str) -> None:
    micros_per_second = money.parse(per_second)
    for seconds, price in enumerate(PRICE_TABLE[per_second], start=3):
        assert micros_per_second * seconds == money.parse(price)
        assert money.display(micros_per_second * seconds) == f"${price}"
    assert seconds == 15
