"""What an account has used, by key, model and day: exact, from the jobs themselves.

Counted as in generations.key_usage: a job counts on the day, in UTC, on which it was asked for,
with what it costs in the end. Films that were deleted since still count.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import Account, ApiKey
from billing import money
from billing.statement_csv import harmless
from generations import catalog

SPANS = (7, 30, 90)
DAYS = 30
ON_THE_WEBSITE = gettext_noop("On the website")
HEADINGS = ("day", "key", "key_prefix", "model", "jobs", "failed", "seconds", "spent_usd")

_ROWS = """
SELECT (created_at AT TIME ZONE 'UTC')::date AS day, api_key_id, model, count(*),
       count(*) FILTER (WHERE status = 'failed'),
       coalesce(sum((inputs->>'duration')::bigint * (price_micros - shortfall_micros)
                    / price_micros) FILTER (WHERE status <> 'failed'), 0)::bigint,
       coalesce(sum(price_micros - shortfall_micros) FILTER (WHERE status <> 'failed'), 0)::bigint
FROM generations_generation
WHERE account_id = %(account)s AND created_at >= %(since)s
GROUP BY day, api_key_id, model ORDER BY day, api_key_id NULLS FIRST, model
"""


@dataclass(frozen=True)
class Row:
    """What was asked for with one key, of one model, on one day. `key_id` None: on the website."""

    day: date
    key_id: int | None
    model: str
    jobs: int
    failed: int
    seconds: int
    spent_micros: int


@dataclass(frozen=True)
class Sum:
    """A name and what it stands for, with its part of the largest in its list, in thousandths."""

    name: str
    note: str
    jobs: int
    failed: int
    seconds: int
    spent_micros: int
    share: int


@dataclass(frozen=True)
class Usage:
    """All rows of the last days, oldest first, and the keys that they name."""

    days: tuple[date, ...]
    rows: tuple[Row, ...]
    keys: dict[int, ApiKey]

    @property
    def total(self) -> Sum:
        """Everything together."""
        return _sums([("", "", list(self.rows))])[0]

    @property
    def by_day(self) -> list[Sum]:
        """A sum for every day, also for those on which nothing was asked for."""
        return _sums(_parts(self.rows, lambda row: row.day, self.days, self._day))

    @property
    def by_key(self) -> list[Sum]:
        """A sum for every key that was used, the dearest first."""
        keys = dict.fromkeys(row.key_id for row in self.rows)
        return _dearest(_sums(_parts(self.rows, lambda row: row.key_id, keys, self.key_name)))

    @property
    def by_model(self) -> list[Sum]:
        """A sum for every model that was used, the dearest first."""
        models = dict.fromkeys(row.model for row in self.rows)
        return _dearest(_sums(_parts(self.rows, lambda row: row.model, models, model_name)))

    def key_name(self, key_id: int | None) -> tuple[str, str]:
        """Return a key's name and the beginning of its secret."""
        if key_id is None:
            return _(ON_THE_WEBSITE), ""
        key = self.keys[key_id]
        return key.name, f"{key.prefix}…"

    def _day(self, day: date) -> tuple[str, str]:
        return date_format(day, "SHORT_DATE_FORMAT"), ""


def of(account: Account, days: int = DAYS) -> Usage:
    """Return what the account has used in the last days, today included."""
    today = timezone.now().astimezone(UTC).date()
    span = tuple(today - timedelta(days=back) for back in reversed(range(days)))
    since = datetime(span[0].year, span[0].month, span[0].day, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"account": account.pk, "since": since})
        rows = tuple(Row(*found) for found in cursor.fetchall())
    return Usage(span, rows, account.api_keys.in_bulk({row.key_id for row in rows if row.key_id}))


def table(usage: Usage) -> Iterator[tuple[str, ...]]:
    """Yield the headings and then each row as the CSV has it."""
    yield HEADINGS
    for row in usage.rows:
        name, prefix = usage.key_name(row.key_id)
        yield (
            *(row.day.isoformat(), harmless(name), prefix.rstrip("…"), row.model),
            *(str(row.jobs), str(row.failed), str(row.seconds), money.decimal(row.spent_micros)),
        )


def model_name(model_id: str) -> tuple[str, str]:
    """Return how a model is called, and its id; of one that is sold no longer, the id alone."""
    known = catalog.MODELS.get(model_id)
    return (_(known.label), model_id) if known else (model_id, "")


def _parts(
    rows: Iterable[Row],
    part_of: Callable[[Row], Any],
    parts: Iterable[Any],
    named: Callable[[Any], tuple[str, str]],
) -> list[tuple[str, str, list[Row]]]:
    found: dict[Any, list[Row]] = {part: [] for part in parts}
    for row in rows:
        found.setdefault(part_of(row), []).append(row)
    return [(*named(part), of_part) for part, of_part in found.items()]


def _sums(parts: list[tuple[str, str, list[Row]]]) -> list[Sum]:
    spent = [sum(row.spent_micros for row in rows) for _, _, rows in parts]
    most = max(spent, default=0) or 1
    return [
        Sum(
            name=name,
            note=note,
            jobs=sum(row.jobs for row in rows),
            failed=sum(row.failed for row in rows),
            seconds=sum(row.seconds for row in rows),
            spent_micros=micros,
            # Rounded up: where anything was spent, something can be seen.
            share=-(-1000 * micros // most),
        )
        for (name, note, rows), micros in zip(parts, spent, strict=True)
    ]


def _dearest(sums: list[Sum]) -> list[Sum]:
    return sorted(sums, key=lambda one: (-one.spent_micros, one.name))
