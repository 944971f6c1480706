"""Tables of figures: the same for the eye, for a spreadsheet and for a chart."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum, auto
from typing import Any

from billing import money
from billing.statement_csv import harmless

NOTHING = "-"


class Sort(Enum):
    """What a column holds, and so how it is written."""

    TEXT = auto()
    DAY = auto()
    MOMENT = auto()
    COUNT = auto()
    # Micro-dollars.
    MONEY = auto()
    # Hundredths of a percent.
    SHARE = auto()
    SECONDS = auto()


@dataclass(frozen=True)
class Column:
    """A column: its name for programs, its heading, and what it holds."""

    name: str
    heading: str
    sort: Sort = Sort.COUNT

    @property
    def is_figure(self) -> bool:
        """Whether it is set to the right."""
        return self.sort not in {Sort.TEXT, Sort.DAY, Sort.MOMENT}


@dataclass(frozen=True)
class Link:
    """A text that leads to a page."""

    text: str
    address: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Table:
    """Rows of figures under their columns. `drawn` names the columns that a chart shows."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    drawn: tuple[str, ...] = ()
    note: str = ""

    @property
    def shown(self) -> Iterator[list[tuple[Column, str, str]]]:
        """Each row for the eye: column, text, and the address that the text leads to or ""."""
        for row in self.rows:
            yield [
                (column, shown(value, column.sort), getattr(value, "address", ""))
                for column, value in zip(self.columns, row, strict=True)
            ]

    def values(self, name: str) -> list[Any]:
        """Return a column's values."""
        at = [column.name for column in self.columns].index(name)
        return [row[at] for row in self.rows]


class _Echo:
    """A file that hands back what is written."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def csv_of(table: Table) -> Iterator[str]:
    """Yield the headings and each row as CSV (RFC 4180), with figures that programs read."""
    writer = csv.writer(_Echo())
    yield writer.writerow([_heading(column) for column in table.columns])
    for row in table.rows:
        yield writer.writerow(
            [_plain(value, column.sort) for column, value in zip(table.columns, row, strict=True)]
        )


def share(part: int, whole: int) -> int | None:
    """Return hundredths of a percent, rounded to the nearest; None of nothing."""
    return (part * 20_000 + whole) // (2 * whole) if whole else None


def shown(value: Any, sort: Sort) -> str:
    """Return a figure as people read it."""
    if value is None:
        return NOTHING
    write = WRITTEN.get(sort, str)
    return write(value)


def _heading(column: Column) -> str:
    unit = {Sort.MONEY: "_usd", Sort.SHARE: "_percent", Sort.SECONDS: "_seconds"}
    return column.name + unit.get(column.sort, "")


def _plain(value: Any, sort: Sort) -> str:
    match value, sort:
        case None, _:
            return ""
        case int(), Sort.MONEY:
            return money.decimal(value)
        case int(), Sort.SHARE:
            return _decimals(value)
        case float(), _:
            return f"{value:.3f}"
        case datetime() | date(), _:
            return str(value.isoformat())
    return harmless(str(value)) if sort == Sort.TEXT else str(value)


def _decimals(hundredths: int) -> str:
    sign = "-" if hundredths < 0 else ""
    whole, rest = divmod(abs(hundredths), 100)
    return f"{sign}{whole}.{rest:02d}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


# How each sort is written for people; what is not named here is a text already.
WRITTEN: dict[Sort, Callable[[Any], str]] = {
    Sort.MONEY: money.display,
    Sort.COUNT: "{:,}".format,
    Sort.SHARE: lambda hundredths: f"{_decimals(hundredths)} %",
    Sort.SECONDS: "{:,.1f} s".format,
    Sort.MOMENT: _moment,
}
