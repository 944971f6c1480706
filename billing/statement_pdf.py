"""The statement of one month as a PDF page or more: A4, the same bytes for the same day.

Set in the fonts that every PDF reader has: one for the letters of Western Europe, one for Chinese.
Other letters become "?".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date
from io import BytesIO
from itertools import groupby

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfgen.canvas import Canvas

from billing import money
from billing.statement import Line

WIDTH, HEIGHT = A4
LEFT, RIGHT = 51.0, WIDTH - 51.0
WHAT, AMOUNT, BALANCE = LEFT + 96, RIGHT - 96, RIGHT
TOP, TOP_LATER, BOTTOM = HEIGHT - 236, HEIGHT - 110, 74.0
LEADING, ROW_PADDING = 12.0, 9.0

INK, SOFT, RULE = "#1c1815", "#6b6358", "#d9d2c5"
SAFELIGHT = "#ec4a16"
# Font, size in points, colour.
BRAND = ("Helvetica-Bold", 17, INK)
TITLE = ("Helvetica-Bold", 14, INK)
NAME = ("Helvetica", 11, INK)
SUM = ("Helvetica-Bold", 10, INK)
SUM_FIGURE = ("Courier-Bold", 11, INK)
WORDS = ("Helvetica", 9, INK)
WORDS_SOFT = ("Helvetica", 9, SOFT)
FIGURE = ("Courier", 9, INK)
SMALL = ("Helvetica", 8, SOFT)
# The one for Chinese, in all sizes; readers bring it, as they bring the others.
CHINESE = "STSong-Light"
registerFont(UnicodeCIDFont(CHINESE))
# A line may end after each of these: a word, a blank, or a Chinese character.
PIECE = re.compile(r"\s+|[\u2e80-\uffef]|[^\s\u2e80-\uffef]+")

Style = tuple[str, float, str]

# The mark: four frames in stride, in a square of 16; the third is lit.
FRAMES = ((0.1, 5.4), (3.93, 2.9), (7.76, 1.9), (11.59, 4.3))
LIT = 2


@dataclass(frozen=True)
class Month:
    """What the page says: `lines` oldest first, balances in micro-dollars, days in UTC."""

    account: str
    account_id: str
    first_day: date
    made_on: date
    opening_micros: int
    lines: list[Line]

    @property
    def closing_micros(self) -> int:
        """The balance at the month's end, or now while it lasts."""
        return self.opening_micros + sum(line.change_micros for line in self.lines)

    @property
    def title(self) -> str:
        """The month in words."""
        return date_format(self.first_day, "YEAR_MONTH_FORMAT")


@dataclass(frozen=True)
class _Row:
    line: Line
    words: list[str]
    balance_micros: int

    @property
    def height(self) -> float:
        return LEADING * len(self.words) + ROW_PADDING


def draw(month: Month) -> bytes:
    """Return the PDF."""
    file = BytesIO()
    # Invariant: no clock and no random id in the file; the day it was made is on the page.
    canvas = Canvas(file, pagesize=A4, invariant=1)
    canvas.setTitle(_("Gallop statement, %(month)s") % {"month": month.title})
    canvas.setAuthor("Gallop")
    pages = list(_pages(_rows(month)))
    for number, rows in enumerate(pages, start=1):
        top = _first_head(canvas, month) if number == 1 else _later_head(canvas, month)
        top = _table(canvas, rows, top)
        if number == len(pages):
            _sum_line(canvas, top - 22, _("Closing balance"), month.closing_micros)
        _foot(canvas, month, number, len(pages))
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _rows(month: Month) -> Iterator[_Row]:
    balance = month.opening_micros
    for line in month.lines:
        balance += line.change_micros
        yield _Row(line, _wrapped(line.what, WORDS, AMOUNT - WHAT - 84), balance)


def _pages(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    """Divide the rows so that each page is filled, and has room for the sum; one at least."""
    page: list[_Row] = []
    room = TOP - BOTTOM
    for row in rows:
        if row.height > room:
            yield page
            page, room = [], TOP_LATER - BOTTOM
        page.append(row)
        room -= row.height
    yield page


def _first_head(canvas: Canvas, month: Month) -> float:
    _mark(canvas, LEFT, HEIGHT - 84, 2.1)
    _text(canvas, LEFT + 44, HEIGHT - 75, "Gallop", BRAND)
    _text(canvas, RIGHT, HEIGHT - 66, _("Statement"), WORDS_SOFT, end=True)
    _text(canvas, RIGHT, HEIGHT - 84, month.title, TITLE, end=True)
    _text(canvas, LEFT, HEIGHT - 124, month.account, NAME)
    account = _("Account %(id)s") % {"id": month.account_id}
    _text(canvas, LEFT, HEIGHT - 139, account, SMALL)
    made = _("Made on %(day)s. Dollars; days and times in UTC.")
    made %= {"day": date_format(month.made_on, "DATE_FORMAT")}
    _text(canvas, LEFT, HEIGHT - 152, made, SMALL)
    _sum_line(canvas, HEIGHT - 190, _("Opening balance"), month.opening_micros)
    return _headings(canvas, TOP)


def _later_head(canvas: Canvas, month: Month) -> float:
    _mark(canvas, LEFT, HEIGHT - 66, 1.3)
    _text(canvas, RIGHT, HEIGHT - 60, month.title, WORDS_SOFT, end=True)
    return _headings(canvas, TOP_LATER)


def _headings(canvas: Canvas, top: float) -> float:
    for at, words, end in (
        (LEFT, _("Date"), False),
        (WHAT, pgettext("statement", "What"), False),
        (AMOUNT, _("Amount"), True),
        (BALANCE, _("Balance"), True),
    ):
        _text(canvas, at, top + 8, words, SMALL, end=end)
    _rule(canvas, top)
    return top


def _table(canvas: Canvas, rows: list[_Row], top: float) -> float:
    """Draw the rows downwards from `top`; return where they end."""
    for row in rows:
        first = top - LEADING - 1
        at = row.line.at.astimezone(UTC)
        day = date_format(at, "SHORT_MONTH_DAY_FORMAT")
        _text(canvas, LEFT, first, f"{day} {at:%H:%M}", WORDS_SOFT)
        for number, words in enumerate(row.words):
            _text(canvas, WHAT, first - number * LEADING, words, WORDS)
        sign = "+" if row.line.change_micros > 0 else ""
        change = sign + money.display(row.line.change_micros)
        _text(canvas, AMOUNT, first, change, FIGURE, end=True)
        balance = money.display(row.balance_micros)
        _text(canvas, BALANCE, first, balance, FIGURE, end=True)
        top -= row.height
        _rule(canvas, top)
    if not rows:
        _text(canvas, LEFT, top - LEADING - 1, _("Nothing moved in this month."), WORDS_SOFT)
        top -= LEADING + ROW_PADDING
    return top


def _sum_line(canvas: Canvas, at: float, words: str, micros: int) -> None:
    _text(canvas, LEFT, at, words, SUM)
    _text(canvas, RIGHT, at, money.display(micros), SUM_FIGURE, end=True)


def _foot(canvas: Canvas, month: Month, number: int, pages: int) -> None:
    _text(canvas, LEFT, 36, month.account, SMALL)
    page = _("Page %(number)s of %(pages)s") % {"number": number, "pages": pages}
    _text(canvas, RIGHT, 36, page, SMALL, end=True)


def _text(
    canvas: Canvas,
    at: float,
    line: float,
    words: str,
    style: Style,
    *,
    end: bool = False,
) -> None:
    if end:
        at -= _width(words, style)
    canvas.setFillColor(style[2])
    for font, run in _runs(words, style):
        canvas.setFont(font, style[1])
        canvas.drawString(at, line, run)
        at += stringWidth(run, font, style[1])


def _rule(canvas: Canvas, at: float) -> None:
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    canvas.line(LEFT, at, RIGHT, at)


def _mark(canvas: Canvas, left: float, bottom: float, scale: float) -> None:
    """Draw the brand's mark as static/brand/mark.svg has it, whose y runs downwards."""
    for number, (x, y) in enumerate(FRAMES):
        canvas.saveState()
        canvas.translate(left + x * scale, bottom + (16 - y) * scale)
        canvas.scale(scale, -scale)
        canvas.setFillColor(SAFELIGHT if number == LIT else INK)
        path = canvas.beginPath()
        path.moveTo(1.57, 0.54)
        path.curveTo(1.63, 0.18, 1.85, 0, 2.22, 0)
        path.lineTo(3.97, 0)
        path.curveTo(4.33, 0, 4.48, 0.18, 4.42, 0.54)
        path.lineTo(2.95, 8.06)
        path.curveTo(2.88, 8.42, 2.67, 8.6, 2.3, 8.6)
        path.lineTo(0.55, 8.6)
        path.curveTo(0.18, 8.6, 0.03, 8.42, 0.1, 8.06)
        path.close()
        canvas.drawPath(path, stroke=0, fill=1)
        canvas.restoreState()


def _wrapped(text: str, style: Style, room: float) -> list[str]:
    """Return the text in lines that fit, one at least; a word too long for any is not broken."""
    lines, line = [], ""
    for piece in PIECE.findall(text):
        if line and _width(f"{line}{piece}".rstrip(), style) > room:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip()
    return [*lines, line.rstrip()]


def _width(text: str, style: Style) -> float:
    return sum(stringWidth(run, font, style[1]) for font, run in _runs(text, style))


def _runs(text: str, style: Style) -> Iterator[tuple[str, str]]:
    """Yield what is set in one font, with that font."""
    letters = [_letter(letter, style[0]) for letter in text]
    for font, run in groupby(letters, key=lambda one: one[0]):
        yield font, "".join(letter for _font, letter in run)


def _letter(letter: str, font: str) -> tuple[str, str]:
    for known, encoding in ((font, "cp1252"), (CHINESE, "gbk")):
        try:
            letter.encode(encoding)
        except UnicodeEncodeError:
            continue
        return known, letter
    return font, "?"
