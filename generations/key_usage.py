"""What was made with a key: jobs, seconds and money, exact from the jobs themselves.

A job counts on the day, in UTC, on which it was asked for, with what it costs in the end: what is
still being made counts in full, what failed costs nothing and has no seconds.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import ApiKey
from billing import caps

DAYS = 30
BAR_HEIGHT = 40

# The seconds of a film are those that were charged: full ones, and never more than were asked for.
_DAYS = """
SELECT api_key_id, (created_at AT TIME ZONE 'UTC')::date AS day, count(*),
       count(*) FILTER (WHERE status = 'failed'),
       coalesce(sum((inputs->>'duration')::bigint * (price_micros - shortfall_micros)
                    / price_micros) FILTER (WHERE status <> 'failed'), 0)::bigint,
       coalesce(sum(price_micros - shortfall_micros) FILTER (WHERE status <> 'failed'), 0)::bigint
FROM generations_generation
WHERE account_id = %(account)s AND api_key_id = ANY(%(keys)s) AND created_at >= %(since)s
GROUP BY api_key_id, day ORDER BY api_key_id, day DESC
"""


@dataclass(frozen=True)
class Day:
    """What was made with a key on one day: how many jobs, how many of them failed, at what cost."""

    day: date
    jobs: int
    failed: int
    seconds: int
    spent_micros: int


@dataclass(frozen=True)
class Usage:
    """The days on which anything was asked for, the latest first, and their sums."""

    days: tuple[Day, ...] = ()

    @property
    def jobs(self) -> int:
        """How many jobs."""
        return sum(day.jobs for day in self.days)

    @property
    def seconds(self) -> int:
        """How many seconds of film."""
        return sum(day.seconds for day in self.days)

    @property
    def spent_micros(self) -> int:
        """What they cost."""
        return sum(day.spent_micros for day in self.days)


def of_keys(keys: Collection[ApiKey], since: datetime | None = None) -> dict[int, Usage]:
    """Return the usage of keys of one account by their ids, of the last DAYS days or since then."""
    if not keys:
        return {}
    account = next(iter(keys)).account_id
    asked: dict[str, Any] = {
        "account": account,
        "keys": [key.pk for key in keys],
        "since": since or _first_day(),
    }
    days: dict[int, list[Day]] = {key.pk: [] for key in keys}
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, asked)
        for key, *facts in cursor.fetchall():
            days[key].append(Day(*facts))
    return {key: Usage(tuple(found)) for key, found in days.items()}


def set_cap(key: ApiKey, cap_micros: int | None, period: str) -> None:
    """Give the key a cap, None for none; what it has spent in the current period counts already.

    Call it inside a transaction: no job of the key starts or ends until that is committed.
    """
    now = caps.lock(key)
    if (now.cap_micros, now.cap_period) == (cap_micros, period):
        return
    spent = 0
    if cap_micros:
        spent = of_keys([now], caps.start_of(period, timezone.now()))[key.pk].spent_micros
    caps.choose(now, cap_micros, period, spent)


def bars(usage: Usage) -> list[int]:
    """Return how high each of the last DAYS days stands, oldest first: 0, or 1 to BAR_HEIGHT."""
    spent = {day.day: day.spent_micros for day in usage.days}
    most = max(spent.values(), default=0) or 1
    days = (_first_day().date() + timedelta(days=number) for number in range(DAYS))
    # Rounded up: a day on which anything was spent can be seen.
    return [-(-BAR_HEIGHT * spent.get(day, 0) // most) for day in days]


def _first_day() -> datetime:
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS - 1)
