"""Days, weeks and months in UTC, which reports are cut into."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import TextChoices


class Unit(TextChoices):
    """How long a period is. A week begins on Monday, as PostgreSQL's date_trunc has it."""

    DAY = "day", "day"
    WEEK = "week", "week"
    MONTH = "month", "month"


SHOWN = {Unit.DAY: 30, Unit.WEEK: 13, Unit.MONTH: 12}


@dataclass(frozen=True, order=True)
class Period:
    """One day, week or month."""

    unit: Unit
    first: date

    @classmethod
    def holding(cls, unit: Unit, day: date) -> "Period":
        """Return the period that this day is in."""
        if unit == Unit.MONTH:
            return cls(unit, day.replace(day=1))
        if unit == Unit.WEEK:
            return cls(unit, day - timedelta(days=day.weekday()))
        return cls(unit, day)

    @property
    def before(self) -> "Period":
        """The one that ends where this one begins."""
        return Period.holding(self.unit, self.first - timedelta(days=1))

    @property
    def after(self) -> "Period":
        """The one that begins where this one ends."""
        days = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 31}[self.unit]
        return Period.holding(self.unit, self.first + timedelta(days=days))

    @property
    def since(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return self.after.since

    def __str__(self) -> str:
        if self.unit == Unit.MONTH:
            return f"{self.first:%B %Y}"
        day = f"{self.first.day} {self.first:%b %Y}"
        return f"week of {day}" if self.unit == Unit.WEEK else day

    @property
    def short(self) -> str:
        """As short as the foot of a chart asks for."""
        return (
            f"{self.first:%b}" if self.unit == Unit.MONTH else f"{self.first.day} {self.first:%b}"
        )


@dataclass(frozen=True)
class Span:
    """Periods in a row, oldest first; the last one is what is looked at."""

    periods: tuple[Period, ...]

    @classmethod
    def ending(cls, last: Period) -> "Span":
        """Return as many periods up to this one as a page shows."""
        periods = [last]
        while len(periods) < SHOWN[last.unit]:
            periods.append(periods[-1].before)
        return cls(tuple(reversed(periods)))

    @property
    def unit(self) -> Unit:
        """How long each is."""
        return self.last.unit

    @property
    def last(self) -> Period:
        """The one that is looked at."""
        return self.periods[-1]

    @property
    def since(self) -> datetime:
        """The first moment of the first."""
        return self.periods[0].since

    @property
    def until(self) -> datetime:
        """The first moment after the last."""
        return self.last.until
