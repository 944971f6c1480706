"""What an account's films have cost since the month began, day by day, as the books have it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Case, F, Q, Sum, When
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import Account
from billing import ledger
from billing.models import Transfer
from billing.statement import GROUP_OF, Group

# A bar of this height is the dearest day's, in the drawing's own units; each day is as wide.
FULL = 100
WIDTH = 20

_FILMS = [kind for kind, group in GROUP_OF.items() if group == Group.FILMS]


@dataclass(frozen=True)
class Day:
    """One day in UTC: what it cost, and its bar in the drawing."""

    day: date
    spent_micros: int
    left: int
    height: int

    @property
    def top(self) -> int:
        """Where its bar begins, from above."""
        return FULL - self.height


@dataclass(frozen=True)
class Month:
    """The days of this month so far, the first one first."""

    days: list[Day]

    @property
    def first(self) -> date:
        """The day on which it began."""
        return self.days[0].day

    @property
    def spent_micros(self) -> int:
        """What all days have cost together."""
        return sum(one.spent_micros for one in self.days)

    @property
    def most(self) -> Day:
        """The dearest day."""
        return max(self.days, key=lambda one: one.spent_micros)

    @property
    def box(self) -> str:
        """The drawing's viewBox: room for 31 days, so that bars keep their width all month."""
        return f"0 0 {31 * WIDTH} {FULL + 2}"


def this_month(account: Account) -> Month:
    """Return what was spent on films since the month began in UTC."""
    today = timezone.now().astimezone(UTC).date()
    first = today.replace(day=1)
    spent = _by_day(account, first)
    most = max(spent.values(), default=0)
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    return Month([_day(one, spent.get(one, 0), most) for one in days])


def _day(day: date, spent: int, most: int) -> Day:
    height = round(FULL * max(0, spent) / most) if most > 0 else 0
    return Day(day, spent, (day.day - 1) * WIDTH, height)


def _by_day(account: Account, first: date) -> dict[date, int]:
    """Return what each day cost, less what it gave back for seconds that were missing."""
    book = ledger.book(account)
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    of_films = Transfer.objects.filter(
        Q(debit=book) | Q(credit=book), kind__in=_FILMS, created_at__gte=since
    )
    cost = Case(When(debit=book, then=F("amount_micros")), default=-F("amount_micros"))
    days = of_films.annotate(day=TruncDate("created_at", tzinfo=UTC)).values_list("day")
    return dict(days.annotate(cost=Sum(cost)))
