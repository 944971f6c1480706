"""The statement as a table for spreadsheets and programs: RFC 4180, UTF-8, exact figures.

Programs read it, so its words are English in every language.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC

from billing import money
from billing.statement import Line

HEADINGS = ["time", "kind", "description", "amount_usd", "balance_usd", "reference", "purchase"]
# A spreadsheet would run a text that begins with one of these as a formula.
FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


class _Echo:
    """A file that hands back what is written, so that rows can be sent as they come."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def rows(lines: Iterable[Line]) -> Iterator[str]:
    """Yield the headings and then each line as CSV text, ending in CRLF."""
    writer = csv.writer(_Echo())
    yield writer.writerow(HEADINGS)
    for line in lines:
        yield writer.writerow(_cells(line))


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        line.kind,
        harmless(line.memo),
        money.decimal(line.change_micros),
        money.decimal(line.balance_micros),
        harmless(line.reference),
        str(line.purchase_id or ""),
    )
