"""What a key may spend in a day, a week or a month: set aside with the hold, so no burst passes it.

Periods are those of UTC; a week begins on Monday. What a job sets aside counts in the period in
which it was asked for, and goes back to that one when the job fails or comes out shorter. The
rule stands on the key; a row of KeySpend counts one period. Locks are taken after those of the
ledger, the key's row first.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from accounts.models import ApiKey
from billing import money
from billing.models import KeySpend

Period = ApiKey.Period

# A cap that is being set counts a job either before or after this, never in between. Two statements
# in one round trip, and one transaction: the second sees what is true under the lock.
_GIVE_BACK = """
SELECT FROM accounts_apikey WHERE id = %(key)s FOR KEY SHARE;
UPDATE billing_keyspend SET spent_micros = spent_micros - %(amount)s
WHERE id = (
    SELECT id FROM billing_keyspend WHERE key_id = %(key)s AND since <= %(at)s
    ORDER BY since DESC LIMIT 1
)
"""


class CapReached(Exception):
    """The key may not spend so much in this period; nothing was held."""

    def __init__(self, price_micros: int, standing: "Standing") -> None:
        self.price_micros = price_micros
        self.standing = standing
        super().__init__(
            f"This costs {money.display(price_micros)}. This key may spend "
            f"{money.display(standing.cap_micros)} {Period(standing.period).label}, and "
            f"{money.display(standing.remaining_micros)} of that is left until "
            f"{standing.resets_at:%Y-%m-%d %H:%M} UTC. You were not charged."
        )


@dataclass(frozen=True)
class Standing:
    """A cap, and what is spent of it in the current period."""

    cap_micros: int
    period: str
    spent_micros: int
    resets_at: datetime

    @property
    def remaining_micros(self) -> int:
        """What is left; nothing when the cap was lowered below what is spent."""
        return max(0, self.cap_micros - self.spent_micros)


def reserve(key: ApiKey, amount_micros: int, at: datetime) -> None:
    """Count a job's price against the key's cap, if it has one; call it after ledger.hold.

    It stays so until the transaction ends: a cap that is set meanwhile waits for it. Raises
    CapReached.
    """
    # One round trip, also for a key without a cap: whether it has one is asked under its lock.
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_reserve_cap(%s, %s, %s)", [key.pk, amount_micros, at])
        (reserved,) = cursor.fetchone()
    if not reserved:
        raise refusal(key, amount_micros, at)


def refusal(key: ApiKey, amount_micros: int, at: datetime) -> CapReached:
    """Return what to raise when the function billing_reserve_cap has refused."""
    standing = standing_of(ApiKey.objects.get(pk=key.pk), at)
    assert standing is not None, "only a cap refuses"
    return CapReached(amount_micros, standing)


def give_back(key_id: int | None, amount_micros: int, at: datetime) -> None:
    """Return what a job that was asked for at this moment had reserved, or a part of it."""
    if key_id is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, {"key": key_id, "amount": amount_micros, "at": at})


def lock(key: ApiKey) -> ApiKey:
    """Let no job of this key start or settle until the transaction ends; return it as it is now."""
    return ApiKey.objects.select_for_update().get(pk=key.pk)


def choose(key: ApiKey, cap_micros: int | None, period: str, spent_micros: int) -> None:
    """Give a locked key another cap, None for none, with what it has spent in the period so far."""
    ApiKey.objects.filter(pk=key.pk).update(
        cap_micros=cap_micros, cap_period=period if cap_micros else ""
    )
    KeySpend.objects.filter(key=key).delete()
    if cap_micros:
        since = start_of(period, timezone.now())
        KeySpend.objects.create(key=key, since=since, spent_micros=spent_micros)


def standing_of(key: ApiKey, at: datetime | None = None) -> Standing | None:
    """Return the key's cap and what is spent of it; None without a cap."""
    if key.cap_micros is None:
        return None
    since = start_of(key.cap_period, at or timezone.now())
    counted = KeySpend.objects.filter(key=key, since=since)
    spent = counted.values_list("spent_micros", flat=True).first()
    return Standing(key.cap_micros, key.cap_period, spent or 0, end_of(key.cap_period, since))


def start_of(period: str, at: datetime) -> datetime:
    """Return when the period began that this moment belongs to."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == Period.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == Period.MONTH else day


def end_of(period: str, since: datetime) -> datetime:
    """Return when a period ends that began then."""
    # Any day of the next month leads to its first.
    lengths = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 31}
    return start_of(period, since + timedelta(days=lengths[Period(period)]))
