"""What the ledger says of a time: every figure of money is a sum of transfers, to the micro-dollar.

Test credit is left out: PostgreSQL keeps its transfers apart, so either side tells them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Sum

from accounts.models import Mode
from billing import ledger
from billing.models import LedgerAccount, Transfer
from generations.reports import asking
from generations.reports.periods import Period, Span

Code = LedgerAccount.Code
Kind = Transfer.Kind
CUSTOMER = "customer"
TOP_MAX = 25

_FLOWS = """
SELECT date_trunc(%(unit)s, moved.created_at AT TIME ZONE 'UTC')::date AS first, moved.kind,
       coalesce(debit.code, 'customer'), coalesce(credit.code, 'customer'),
       sum(moved.amount_micros)::bigint
FROM billing_transfer AS moved
JOIN billing_ledgeraccount AS debit ON debit.id = moved.debit_id
JOIN billing_ledgeraccount AS credit ON credit.id = moved.credit_id
WHERE moved.created_at >= %(since)s AND moved.created_at < %(until)s
  AND coalesce(debit.code, '') <> ALL(%(test)s) AND coalesce(credit.code, '') <> ALL(%(test)s)
GROUP BY 1, 2, 3, 4
"""
# What came into customers' credit, less what went out of it, from a moment on.
_SINCE = """
SELECT coalesce(sum(CASE WHEN credit.code IS NULL THEN moved.amount_micros ELSE 0 END)
     - sum(CASE WHEN debit.code IS NULL THEN moved.amount_micros ELSE 0 END), 0)::bigint
FROM billing_transfer AS moved
JOIN billing_ledgeraccount AS debit ON debit.id = moved.debit_id
JOIN billing_ledgeraccount AS credit ON credit.id = moved.credit_id
WHERE moved.created_at >= %(until)s
  AND coalesce(debit.code, '') <> ALL(%(test)s) AND coalesce(credit.code, '') <> ALL(%(test)s)
"""
# A job is charged its price and gets back that of the seconds that it lacks: so a sum, divided by
# the price of a second, is a number of seconds, exactly.
_MADE = """
SELECT date_trunc(%(unit)s, moved.created_at AT TIME ZONE 'UTC')::date AS first,
       coalesce(job.model, ''), coalesce(job.inputs->>'resolution', ''),
       count(*) FILTER (WHERE moved.sign > 0),
       coalesce(sum(moved.sign * moved.amount_micros * (job.inputs->>'duration')::bigint
                    / job.price_micros), 0)::bigint,
       sum(moved.sign * moved.amount_micros)::bigint
FROM (
    SELECT created_at, amount_micros, CASE kind WHEN 'capture' THEN 1 ELSE -1 END AS sign,
           CASE WHEN starts_with(reference, 'generation:') THEN substr(reference, 12)::uuid END
               AS job_id
    FROM billing_transfer
    WHERE created_at >= %(since)s AND created_at < %(until)s
      AND (kind = 'capture' AND credit_id = %(revenue)s
           OR kind = 'shortfall' AND debit_id = %(revenue)s)
) AS moved
LEFT JOIN generations_generation AS job ON job.id = moved.job_id
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_TOP = """
SELECT account.id, account.name, sum(moved.micros)::bigint AS revenue, sum(moved.films)::bigint
FROM (
    SELECT debit_id AS book, amount_micros AS micros, 1 AS films
    FROM billing_transfer WHERE kind = 'capture'
      AND created_at >= %(since)s AND created_at < %(until)s
    UNION ALL
    SELECT credit_id, -amount_micros, 0
    FROM billing_transfer WHERE kind = 'shortfall'
      AND created_at >= %(since)s AND created_at < %(until)s
) AS moved
JOIN billing_ledgeraccount AS book ON book.id = moved.book
JOIN accounts_account AS account ON account.id = book.account_id AND account.mode = 'live'
GROUP BY account.id, account.name ORDER BY revenue DESC, account.id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Money:
    """What moved in one period, in micro-dollars; `liability_micros` is as it stood at its end."""

    period: Period
    revenue_micros: int
    sold_micros: int
    gifts_micros: int
    gifts_back_micros: int
    refunds_micros: int
    disputes_micros: int
    owed_micros: int
    liability_micros: int


@dataclass(frozen=True)
class Made:
    """What was made and charged in a period: films, their seconds and what they brought."""

    first: date
    model: str
    resolution: str
    films: int
    seconds: int
    revenue_micros: int


@dataclass(frozen=True)
class Payer:
    """An account, and what its films brought in a period."""

    account: UUID
    name: str
    revenue_micros: int
    films: int


class Flows:
    """Sums of one period, by where the money came from, where it went, and why."""

    def __init__(self, sums: Mapping[tuple[str, str, str], int]) -> None:
        self._sums = sums

    def between(self, source: str, target: str, *kinds: str) -> int:
        """Return what moved from one to the other, of these kinds or of any."""
        return sum(
            micros
            for (kind, debit, credit), micros in self._sums.items()
            if source in {debit, ""} and target in {credit, ""} and (not kinds or kind in kinds)
        )

    def net(self, code: str, *kinds: str) -> int:
        """Return what came into an account less what went out of it, of these kinds or of any."""
        return self.between("", code, *kinds) - self.between(code, "", *kinds)


def money_of(span: Span) -> list[Money]:
    """Return what moved in each period of a span, oldest first."""
    sums: dict[date, dict[tuple[str, str, str], int]] = {}
    for first, kind, source, target, micros in asking.rows(_FLOWS, _asked(span)):
        sums.setdefault(first, {})[kind, source, target] = micros
    flows = [(period, Flows(sums.get(period.first, {}))) for period in span.periods]
    liability = _liability(span)
    found = []
    for period, moved in reversed(flows):
        found.append(_money(period, moved, liability))
        liability -= moved.net(CUSTOMER)
    return found[::-1]


def made_in(span: Span) -> list[Made]:
    """Return the films of each period by model and resolution, oldest first."""
    # Named in the statement, so that PostgreSQL sees how many rows there will be.
    revenue = LedgerAccount.objects.filter(code=Code.REVENUE).values_list("pk", flat=True).first()
    return [Made(*row) for row in asking.rows(_MADE, _asked(span) | {"revenue": revenue})]


def top_payers(period: Period) -> list[Payer]:
    """Return the accounts whose films brought most in a period."""
    asked = {"since": period.since, "until": period.until, "most": TOP_MAX}
    return [Payer(*row) for row in asking.rows(_TOP, asked)]


def _asked(span: Span) -> dict[str, Any]:
    test = [str(code) for code in ledger.TEST]
    return {"unit": span.unit, "since": span.since, "until": span.until, "test": test}


def _liability(span: Span) -> int:
    """Return what customers had to spend, held credit included, when the span ended."""
    live = LedgerAccount.objects.filter(account__mode=Mode.LIVE)
    now: int = live.aggregate(sum=Sum("balance_micros"))["sum"] or 0
    [(moved_since,)] = asking.rows(_SINCE, _asked(span))
    return now - int(moved_since)


def _money(period: Period, moved: Flows, liability_micros: int) -> Money:
    # A purchase is no refund, though both are with Stripe.
    refunds = (Kind.REFUND, Kind.REFUND_FAILED, Kind.RECEIVABLE)
    return Money(
        period=period,
        revenue_micros=moved.net(Code.REVENUE),
        sold_micros=moved.between(Code.STRIPE, CUSTOMER, Kind.PURCHASE),
        gifts_micros=moved.between(Code.PROMOTIONS, ""),
        gifts_back_micros=moved.between("", Code.PROMOTIONS),
        refunds_micros=moved.net(Code.STRIPE, *refunds),
        disputes_micros=moved.net(Code.DISPUTES),
        owed_micros=-moved.net(Code.RECEIVABLES),
        liability_micros=liability_micros,
    )
