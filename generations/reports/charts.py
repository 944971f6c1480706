"""Bars for a table, as numbers that a template draws in SVG: the server's work, no script.

The first column drawn is filled and the second outlined, so both are told apart without colour;
each bar carries its figure in words, and the table stands below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from generations.reports.tables import Column, Sort, Table, shown

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, FOOT, HEAD = 74, 20, 24, 10
LABELS_MAX = 8
GRIDLINES = 3
BAR_SHARE = 0.72
# So many micro-dollars, or hundredths of a percent, are one on the scale.
SCALE = {Sort.MONEY: 1_000_000, Sort.SHARE: 100}


@dataclass(frozen=True)
class Bar:
    """A bar: where it stands, how high, of which series (0 or 1), and what it says."""

    x: float
    y: float
    width: float
    height: float
    series: int
    words: str


@dataclass(frozen=True)
class Mark:
    """A text at a place of the chart."""

    at: float
    words: str


@dataclass(frozen=True)
class Chart:
    """Everything that a template needs to draw it."""

    title: str
    legend: tuple[str, ...]
    bars: tuple[Bar, ...]
    lines: tuple[Mark, ...]
    feet: tuple[Mark, ...]
    baseline: float

    width, height, left, right, foot_at = WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, HEIGHT - 6


def of_table(table: Table) -> Chart | None:
    """Return the chart of the columns that the table has drawn; None without any figure."""
    columns = [column for column in table.columns if column.name in table.drawn]
    series = [[value or 0 for value in table.values(column.name)] for column in columns]
    figures = [value for values in series for value in values]
    if not any(figures):
        return None
    scale = _Scale(min(0, *figures), max(0, *figures), columns[0].sort)
    feet = [str(getattr(row[0], "short", row[0])) for row in table.rows]
    return Chart(
        title=table.title,
        legend=tuple(column.heading for column in columns),
        bars=tuple(_bars(table, columns, series, scale)),
        lines=tuple(scale.lines()),
        feet=tuple(_feet(feet)),
        baseline=scale.y(0),
    )


class _Scale:
    """Where a figure lies from top to bottom."""

    def __init__(self, least: float, most: float, sort: Sort) -> None:
        unit = SCALE.get(sort, 1)
        step = _round_up((most - least) / GRIDLINES / unit) * unit
        self._step, self._sort = step, sort
        self._low = -(-least // -step) * -step if least < 0 else 0
        self._high = max(step, -(-most // step) * step)

    def y(self, figure: float) -> float:
        """Return the distance from the top."""
        room = HEIGHT - FOOT - HEAD
        return round(HEAD + room * (self._high - figure) / (self._high - self._low), 2)

    def lines(self) -> list[Mark]:
        """Return the lines behind the bars with their figures."""
        count = round((self._high - self._low) / self._step)
        figures = [self._low + number * self._step for number in range(count + 1)]
        return [Mark(self.y(figure), _short(figure, self._sort)) for figure in figures]


def _bars(
    table: Table, columns: Sequence[Column], series: Sequence[Sequence[float]], scale: _Scale
) -> list[Bar]:
    place = _place(len(table.rows))
    width = place * BAR_SHARE / len(columns)
    bars = []
    for number, (column, values) in enumerate(zip(columns, series, strict=True)):
        for index, value in enumerate(values):
            x = LEFT + place * (index + (1 - BAR_SHARE) / 2) + number * width
            top, bottom = scale.y(max(0, value)), scale.y(min(0, value))
            words = f"{table.rows[index][0]}: {column.heading} {shown(value, column.sort)}"
            height = round(max(0.0, bottom - top), 2)
            bars.append(Bar(round(x, 2), top, round(width - 1, 2), height, number, words))
    return bars


def _feet(words: Sequence[str]) -> list[Mark]:
    place, every = _place(len(words)), -(-len(words) // LABELS_MAX)
    # Counted from the end: the last period always has its name.
    return [
        Mark(round(LEFT + place * (index + 0.5), 2), word)
        for index, word in enumerate(words)
        if (len(words) - 1 - index) % every == 0
    ]


def _place(count: int) -> float:
    return (WIDTH - LEFT - RIGHT) / max(1, count)


def _round_up(figure: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, … or of 0.1, 0.2, 0.5, … that is not below it."""
    power = 10.0 ** _exponent(figure)
    return next(nice * power for nice in (1, 2, 5, 10) if nice * power >= figure * 0.999999)


def _exponent(figure: float) -> int:
    exponent = 0
    while 10.0**exponent > figure and exponent > -6:
        exponent -= 1
    while 10.0 ** (exponent + 1) <= figure:
        exponent += 1
    return exponent


def _short(figure: float, sort: Sort) -> str:
    """Return a figure of the scale in as few signs as it takes."""
    value = figure / SCALE.get(sort, 1)
    size = f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{value:g}"
    match sort:
        case Sort.MONEY:
            return f"-${size.removeprefix('-')}" if value < 0 else f"${size}"
        case Sort.SHARE:
            return f"{size} %"
        case Sort.SECONDS:
            return f"{size} s"
    return size
