"""Alerts: figures that a customer wants to hear of, told once each time they are crossed.

The ledger knows nothing of them. A task compares every alert with the books once a minute; the
conditional UPDATE of `armed` decides who tells, and an alert is armed again when its figure is
back on the other side, which for the month's spending is the next month.
"""

import logging
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    F,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import Combinable, OuterRef
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts import webhooks
from accounts.models import Account, Event
from billing import money, notices
from billing.models import Alert, Transfer

logger = logging.getLogger(__name__)

ALERTS_MAX = 10
ROUND_MAX = 500

Kind = Alert.Kind


class AlertRefused(ValueError):
    """The alert cannot be set; the sentence says why."""


def alerts_of(account: Account) -> QuerySet[Alert]:
    """Return the account's alerts, in the order of their kind and figure."""
    return Alert.objects.filter(account=account).order_by("kind", "threshold_micros", "id")


def add(account: Account, kind: Kind, threshold_micros: int) -> Alert:
    """Set an alert. One that is crossed already is told of at once. Raises AlertRefused."""
    with transaction.atomic():
        # One at a time for an account, or two callers would both take the last place.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if alerts_of(account).count() >= ALERTS_MAX:
            many = _("You have %(number)s alerts. Remove one you no longer need.")
            raise AlertRefused(many % {"number": ALERTS_MAX})
        try:
            with transaction.atomic():
                return Alert.objects.create(
                    account=account, kind=kind, threshold_micros=threshold_micros
                )
        except IntegrityError as error:
            raise AlertRefused(_("You have this alert already.")) from error


def remove(account: Account, alert_id: int) -> bool:
    """Remove one of the account's alerts; False when it has none of this id."""
    return alerts_of(account).filter(pk=alert_id).delete()[0] > 0


def watch(now: datetime, limit: int = ROUND_MAX) -> int:
    """Tell of up to `limit` alerts that were crossed, arm up to as many again; count both."""
    month = month_of(now)
    ready = Q(armed=True) | Q(kind=Kind.SPEND, fired_at__lt=month)
    watched = _with_figures(month).order_by("id")
    crossed = list(watched.filter(ready, crossed=True).select_related("account")[:limit])
    told = sum(_tell(alert, ready, now) for alert in crossed)
    back = watched.filter(armed=False, crossed=False).values("pk")[:limit]
    return told + Alert.objects.filter(pk__in=back).update(armed=True)


def month_of(now: datetime) -> datetime:
    """Return the first moment of the month, in UTC."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _with_figures(month: datetime) -> QuerySet[Any, Any]:
    """Return all alerts with `figure_micros`, what they are about now, and `crossed`."""
    return Alert.objects.annotate(
        figure_micros=Case(When(kind=Kind.LOW_BALANCE, then=_available()), default=_spent(month))
    ).annotate(
        crossed=Case(
            When(
                Q(kind=Kind.LOW_BALANCE, figure_micros__lt=F("threshold_micros"))
                | Q(kind=Kind.SPEND, figure_micros__gt=F("threshold_micros")),
                then=Value(True),
            ),
            default=Value(False),
            output_field=BooleanField(),
        )
    )


def _available() -> Combinable:
    book = "account__ledger_account"
    available = F(f"{book}__balance_micros") - F(f"{book}__held_micros")
    return Coalesce(available, 0, output_field=BigIntegerField())


def _spent(month: datetime) -> Combinable:
    """What films cost since then, less what came back of their prices."""
    charged = _moved("debit", Transfer.Kind.CAPTURE, month)
    return charged - _moved("credit", Transfer.Kind.SHORTFALL, month)


def _moved(side: str, kind: Transfer.Kind, since: datetime) -> Combinable:
    of_account = {f"{side}__account": OuterRef("account")}
    moved = Transfer.objects.filter(kind=kind, created_at__gte=since, **of_account)
    sums = moved.order_by().values(side).annotate(total=Sum("amount_micros"))
    return Coalesce(Subquery(sums.values("total")), 0, output_field=BigIntegerField())


def _tell(alert: Any, ready: Q, now: datetime) -> bool:
    """Tell of a crossing by mail and webhook: with its disarming, or not at all."""
    try:
        with transaction.atomic():
            one = Alert.objects.filter(ready, pk=alert.pk)
            if one.update(armed=False, fired_at=now) != 1:
                return False
            _announce(alert, now)
            notices.reach(alert.account, "alert", alert=alert, figure_micros=alert.figure_micros)
    except OSError:
        logger.exception("Alert %s could not be mailed; the next round tries again.", alert.pk)
        return False
    return True


def _announce(alert: Any, now: datetime) -> None:
    """Write to the customer's webhooks; sums are in dollars, as in `GET /api/v3/balance`."""
    low = alert.kind == Kind.LOW_BALANCE
    figure, threshold = (
        float(money.decimal(micros)) for micros in (alert.figure_micros, alert.threshold_micros)
    )
    what = {"balance": figure} if low else {"spent": figure, "month": f"{now:%Y-%m}"}
    webhooks.announce(
        alert.account,
        Event.LOW_BALANCE if low else Event.SPEND,
        f"alert:{alert.pk}",
        {**what, "threshold": threshold, "currency": "USD"},
    )
