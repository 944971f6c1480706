"""Micro-dollars: the only unit of money in this code. One dollar is 1,000,000 of them.

Prices have three decimals ($0.189 a second), so cents are not enough; integers, because
money is counted, never measured.
"""

import re

from django.utils.translation import gettext as _

MICROS_PER_DOLLAR = 1_000_000
MICROS_PER_CENT = 10_000
DECIMALS = 6
# 18 digits of micro-dollars fit a bigint; no sum of ours comes near it.
DOLLAR_DIGITS_MAX = 12

_AMOUNT = re.compile(rf"\$?(\d{{1,{DOLLAR_DIGITS_MAX}}})(?:\.(\d{{1,{DECIMALS}}}))?", re.ASCII)


class InvalidAmount(ValueError):
    """The text is not a sum of money."""

    def __init__(self, text: str) -> None:
        sentence = _("Write a sum in dollars such as 25 or 12.50, not %(text)r.")
        super().__init__(sentence % {"text": text})


def parse(text: str) -> int:
    """Return the micro-dollars of "25", "$12.50" or "0.189".

    Raises InvalidAmount for signs, thousands separators and more than six decimals.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise InvalidAmount(text)
    dollars, decimals = match.groups(default="")
    return int(dollars) * MICROS_PER_DOLLAR + int(decimals.ljust(DECIMALS, "0"))


def display(micros: int) -> str:
    """Return "$0.945": at least two decimals, and every further digit that counts."""
    sign = "-" if micros < 0 else ""
    return f"{sign}${_decimal(abs(micros), grouping=',')}"


def decimal(micros: int) -> str:
    """Return "0.945", as programs write it: no dollar sign, no thousands separator."""
    sign = "-" if micros < 0 else ""
    return sign + _decimal(abs(micros), grouping="")


def _decimal(micros: int, grouping: str) -> str:
    dollars, rest = divmod(micros, MICROS_PER_DOLLAR)
    decimals = f"{rest:0{DECIMALS}d}"
    kept = decimals[:2] + decimals[2:].rstrip("0")
    return f"{dollars:{grouping}}.{kept}"


def whole_cents(micros: int) -> int:
    """Return the sum in cents, as Stripe counts. Raises ValueError when it has parts of one."""
    cents, rest = divmod(micros, MICROS_PER_CENT)
    if rest:
        sentence = _("%(sum)s is not a whole number of cents.")
        raise ValueError(sentence % {"sum": display(micros)})
    return cents


def from_cents(cents: int) -> int:
    """Return the micro-dollars of a sum in cents."""
    return cents * MICROS_PER_CENT
