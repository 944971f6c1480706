"""How long jobs took lately, and plain words for how long the next ones may take."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from generations.models import EXPECTED_SECONDS, EXPECTED_SECONDS_TEST, Generation

WINDOW = timedelta(minutes=15)
# The newest so many speak for all: a flood of finished jobs makes no page slower.
SAMPLE_MAX = 1000
# Fewer are an anecdote.
SAMPLE_MIN = 3
# What was learnt is good for this long, so that pages that ask every second cost nothing.
FRESH_SECONDS = 10.0
# A range as narrow as this is one figure to a person.
NARROW = 1.3

MINUTE = 60
HOUR = 3600

# Per model and resolution, and once more for all together (model NULL).
_LATELY = """
SELECT model, resolution, count(*), avg(seconds)::float8,
       percentile_cont(0.1) WITHIN GROUP (ORDER BY seconds),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds)
FROM (
    SELECT model, inputs ->> 'resolution' AS resolution,
           extract(epoch FROM finished_at - submitted_at)::float8 AS seconds
    FROM generations_generation
    WHERE status = 'completed' AND NOT test AND finished_at > %(since)s AND submitted_at IS NOT NULL
    ORDER BY finished_at DESC LIMIT %(most)s
) AS finished
GROUP BY GROUPING SETS ((model, resolution), ())
"""


@dataclass(frozen=True)
class Span:
    """A time from now that lies probably between these two, in seconds."""

    low: float
    high: float

    def __add__(self, other: "Span") -> "Span":
        return Span(self.low + other.low, self.high + other.high)

    def less(self, seconds: float) -> "Span":
        """Return what is left of it after some seconds, never below zero."""
        return Span(max(0.0, self.low - seconds), max(0.0, self.high - seconds))

    @property
    def middle(self) -> float:
        """The one figure for it, in seconds."""
        return (self.low + self.high) / 2

    @property
    def words(self) -> str:
        """It in words that promise no more than is known: "about 2 minutes"."""
        if self.high < 10:
            return _("a few seconds")
        unit, step, name = _unit(self.high)
        low, high = (step * round(bound / unit / step) for bound in (self.low, self.high))
        if low == high or self.high <= NARROW * self.low:
            figure = max(step, step * round(self.middle / unit / step))
            return _("about %(time)s") % {"time": _amount(figure, name)}
        if low == 0:
            return _("up to %(time)s") % {"time": _amount(high, name)}
        return _("usually %(low)s to %(high)s") % {"low": low, "high": _amount(high, name)}


@dataclass(frozen=True)
class Pace:
    """How long jobs ran upstream lately: nine of ten took as long as a Span says at most."""

    runs: Mapping[tuple[str, str], Span]
    overall: Span | None
    mean_seconds: float | None

    def known(self, generation: Generation) -> Span | None:
        """Return how long a job like this one runs, None when too few finished lately."""
        if generation.test:
            return None
        kind = (generation.model, generation.inputs["resolution"])
        return self.runs.get(kind, self.overall)

    def run(self, generation: Generation) -> Span:
        """Return how long a job like this one runs, as it is expected when nothing is known."""
        expected = EXPECTED_SECONDS_TEST if generation.test else EXPECTED_SECONDS
        return self.known(generation) or Span(expected, expected)

    @property
    def seconds_per_job(self) -> float:
        """How long a place upstream is taken by one job."""
        return self.mean_seconds or EXPECTED_SECONDS


def lately() -> Pace:
    """Return the pace of the last quarter of an hour, as of a few seconds ago."""
    return _lately(time.monotonic() // FRESH_SECONDS)


def forget() -> None:
    """Have the next question answered from the table as it is."""
    _lately.cache_clear()


@lru_cache(maxsize=1)
def _lately(_moment: float) -> Pace:
    with connection.cursor() as cursor:
        cursor.execute(_LATELY, {"since": timezone.now() - WINDOW, "most": SAMPLE_MAX})
        rows = [row for row in cursor.fetchall() if row[2] >= SAMPLE_MIN]
    spans = {(model, resolution): Span(low, high) for model, resolution, _, _, low, high in rows}
    means = {(model, resolution): mean for model, resolution, _, mean, _, _ in rows}
    overall, mean = spans.pop((None, None), None), means.get((None, None))
    return Pace(runs=spans, overall=overall, mean_seconds=mean)


def _unit(seconds: float) -> tuple[int, int, str]:
    """Return the unit in seconds, the smallest step in it, and its name in the plural."""
    if seconds < MINUTE - 5:
        return 1, 10, "seconds"
    if seconds < 20 * MINUTE:
        return MINUTE, 1, "minutes"
    return (MINUTE, 5, "minutes") if seconds < 1.5 * HOUR else (HOUR, 1, "hours")


def _amount(figure: int, unit: str) -> str:
    """Return "2 minutes": so many of a unit."""
    words = {
        "seconds": ngettext("%(figure)s second", "%(figure)s seconds", figure),
        "minutes": ngettext("%(figure)s minute", "%(figure)s minutes", figure),
        "hours": ngettext("%(figure)s hour", "%(figure)s hours", figure),
    }
    return words[unit] % {"figure": figure}
