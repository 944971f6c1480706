"""How long what is kept, where no other rule lets go of it: once a day what is too old is removed.

Elsewhere: webhook deliveries (accounts.deliveries, WEBHOOK_KEPT_DAYS), answers to Idempotency-Keys
(generations.idempotency, a day), test jobs (generations.disposal, a week), the files of deleted
films (at once). The ledger, purchases and the jobs' rows are the books and stay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django_q.models import Failure

from billing.models import StripeEvent
from generations import disposal
from generations.models import Generation, Upload

BATCH = 500
BATCHES_MAX = 200

Remove = Callable[[QuerySet[Any]], None]


@dataclass(frozen=True)
class Rule:
    """What goes when it is older than so many days, by the moment in `field`."""

    what: str
    days: int
    rows: Callable[[], QuerySet[Any]]
    field: str
    remove: Remove

    def old(self, now: datetime) -> QuerySet[Any]:
        """Return what is too old, the oldest first."""
        limit = now - timedelta(days=self.days)
        return self.rows().filter(**{f"{self.field}__lt": limit}).order_by(self.field, "pk")


def _delete(rows: QuerySet[Any]) -> None:
    rows.delete()


def _delete_pictures(rows: QuerySet[Any]) -> None:
    """Remove pictures and note their files; one that a job takes meanwhile stays."""
    # A new job's row needs a lock on its picture: it waits, or has been counted by the query.
    locked = rows.select_for_update(of=("self",), skip_locked=True)
    for upload in locked.filter(~_used()):
        disposal.discard([upload.file])
        upload.delete()


def _used() -> Exists:
    return Exists(Generation.objects.filter(upload=OuterRef("pk")))


RULES = (
    Rule("sessions that have ended", 0, Session.objects.all, "expire_date", _delete),
    # As long as Stripe lets one ask for them, and two months more; unworked ones stay.
    Rule(
        "Stripe events that took effect",
        90,
        lambda: StripeEvent.objects.exclude(done_at=None),
        "done_at",
        _delete,
    ),
    # As long as WaveSpeed keeps its uploads.
    Rule(
        "pictures that no film began with",
        7,
        lambda: Upload.objects.filter(~_used()),
        "created_at",
        _delete_pictures,
    ),
    Rule("background tasks that failed", 30, Failure.objects.all, "stopped", _delete),
)


def forget() -> str:
    """Remove what every rule says is too old, in batches; return how much of each."""
    now = timezone.now()
    return ", ".join(f"{_apply(rule, now)} {rule.what}" for rule in RULES)


def _apply(rule: Rule, now: datetime) -> int:
    before = rule.old(now).count()
    for _ in range(BATCHES_MAX):
        batch = list(rule.old(now).values_list("pk", flat=True)[:BATCH])
        with transaction.atomic():
            rule.remove(rule.rows().filter(pk__in=batch))
        if len(batch) < BATCH:
            break
    return before - rule.old(now).count()
