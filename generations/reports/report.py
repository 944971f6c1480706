"""What a report is made of: figures beside those of the period before, and tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from generations.reports import charts
from generations.reports.charts import Chart
from generations.reports.tables import Sort, Table, share, shown


@dataclass(frozen=True)
class Figure:
    """One figure of the period looked at, and of the one before."""

    label: str
    sort: Sort
    now: Any
    before: Any = None
    note: str = ""

    @property
    def words(self) -> str:
        """It, as people read it."""
        return shown(self.now, self.sort)

    @property
    def words_before(self) -> str:
        """The one before, as people read it; "" where there is no before."""
        return shown(self.before, self.sort) if self.before is not None else ""

    @property
    def change(self) -> str:
        """How much more or less than before: "+12.5 %", "" when that says nothing."""
        if self.sort == Sort.SHARE or not self.before or self.now is None or self.before < 0:
            return ""
        # A length of time is compared by its milliseconds.
        scale = 1000 if self.sort == Sort.SECONDS else 1
        now, before = round(self.now * scale), round(self.before * scale)
        more = share(now - before, before) if before else None
        if more is None:
            return ""
        return f"{'+' if more > 0 else ''}{shown(more, Sort.SHARE)}"


@dataclass(frozen=True)
class Report:
    """A page of figures and tables, each with its chart if it has one."""

    name: str
    title: str
    intro: str
    figures: Sequence[Figure]
    tables: Sequence[Table]

    @property
    def parts(self) -> list[tuple[Table, Chart | None]]:
        """Each table with its chart."""
        return [(table, charts.of_table(table) if table.drawn else None) for table in self.tables]

    def table(self, name: str) -> Table | None:
        """Return the table of this name, None when there is none."""
        return next((one for one in self.tables if one.name == name), None)


def figure(label: str, sort: Sort, values: Sequence[Any], note: str = "") -> Figure:
    """Return the last of these values, oldest first, beside the one before it."""
    return Figure(label, sort, values[-1], values[-2] if len(values) > 1 else None, note)
