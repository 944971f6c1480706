"""What a run of the scale test measured, and how it is said."""

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

THOUSAND = 1000


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many in a hundred do not exceed. Raises ValueError."""
    if not values:
        raise ValueError("no values have no percentile")
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def spread(seconds: Sequence[float]) -> str:
    """Return median, 95th percentile and maximum as words."""
    if not seconds:
        return "none"
    middle, high = statistics.median(seconds), percentile(seconds, 95)
    return f"{len(seconds)}, p50 {middle:.1f} s, p95 {high:.1f} s, max {max(seconds):.1f} s"


def grown(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return by how much each figure has grown."""
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


def _less(some: Mapping[str, float], rest: Mapping[str, float], share: float) -> dict[str, float]:
    return {name: max(0.0, value - rest[name] * share) for name, value in some.items()}


@dataclass(frozen=True)
class Costs:
    """What so many of something took: processor seconds by kind of part, PostgreSQL's counts."""

    what: str
    count: int
    seconds: float
    processor: Mapping[str, float]
    database: Mapping[str, float]

    def above(self, rest: "Costs") -> "Costs":
        """Return what is left when the cost of doing nothing for as long is taken off."""
        share = self.seconds / rest.seconds
        processor = _less(self.processor, rest.processor, share)
        return replace(
            self, processor=processor, database=_less(self.database, rest.database, share)
        )

    def lines(self) -> Iterator[str]:
        """Yield them for people, per thousand."""
        each = THOUSAND / max(1, self.count)
        parts = ", ".join(f"{kind} {used * each:,.1f}" for kind, used in self.processor.items())
        yield f"processor seconds per 1,000 {self.what}: {parts}"
        one = ", ".join(
            f"{name} {value / max(1, self.count):,.1f}" for name, value in self.database.items()
        )
        yield f"  PostgreSQL for each: {one}; {self.count} in {self.seconds:.1f} s"


@dataclass(frozen=True)
class Flood:
    """Submissions as fast as they are answered, through both web servers."""

    count: int
    seconds: float
    answers: Sequence[float]

    def line(self) -> str:
        """Return it for people."""
        rate = self.count / self.seconds
        middle, high = statistics.median(self.answers), percentile(self.answers, 95)
        return (
            f"submits: {rate:.0f} a second through two web servers ({self.count} in "
            f"{self.seconds:.1f} s), answered after p50 {middle * 1000:.0f} ms, p95 "
            f"{high * 1000:.0f} ms"
        )


@dataclass(frozen=True)
class Film:
    """One film: when it was asked for and finished, in Unix seconds."""

    asked_at: float
    finished_at: float

    @property
    def seconds(self) -> float:
        """From the customer's first try until the film was in the bucket and paid."""
        return self.finished_at - self.asked_at


@dataclass
class Deaths:
    """What was killed, and what became of its work; moments are Unix seconds."""

    web: str
    worker: str
    web_at: float = 0.0
    worker_at: float = 0.0
    taken_over: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    finished: list[float] = field(default_factory=list)

    def lines(self, films: Sequence[Film]) -> Iterator[str]:
        """Yield how films fared before, during and after."""
        first, last = sorted((self.web_at, self.worker_at))
        before = [film for film in films if film.finished_at < first]
        after = [film for film in films if film.asked_at > last]
        during = len(films) - len(before) - len(after)
        between = [film for film in films if film not in before and film not in after]
        assert len(between) == during, "each film is in one of three"
        yield f"killed for good: {self.web} and {self.worker}, {last - first:.1f} s apart"
        yield f"the dead worker's jobs: {dict(self.statuses)}"
        yield f"  taken over after: {spread(self.taken_over)}"
        yield f"  finished after: {spread(self.finished)}"
        yield "from submit to video:"
        for name, some in (("before", before), ("under way then", between), ("asked after", after)):
            yield f"  {name}: {spread([film.seconds for film in some])}"


@dataclass
class Report:
    """All figures of a run, and what was wrong."""

    title: str
    flood: Flood | None = None
    deaths: Deaths | None = None
    films: list[Film] = field(default_factory=list)
    # The first is what it costs to do nothing.
    costs: list[Costs] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    extras: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield the report for people."""
        yield self.title
        if self.flood:
            yield self.flood.line()
        if self.deaths:
            yield from self.deaths.lines(self.films)
        yield f"tries without an answer: {dict(self.troubles)}"
        yield f"  had been taken all the same, and were answered again: {self.repeated}"
        rest, *works = self.costs
        shares = {kind: used / rest.seconds for kind, used in rest.processor.items()}
        told = ", ".join(f"{kind} {share:.1%}" for kind, share in shares.items())
        yield f"of a core at rest: {told}; taken off below"
        for work in works:
            yield from work.above(rest).lines()
        yield from self.extras
        yield from (f"VIOLATION {sentence}" for sentence in self.violations)
        yield "Nothing was lost or doubled." if not self.violations else "Something is wrong."
