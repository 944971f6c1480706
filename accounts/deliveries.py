"""The outbox of webhooks: written with what it tells of, claimed with a lease, settled by result.

A sender that dies between the POST and the note leaves a lease that runs out, and the message goes
out again under the same id: at least once, never silently not at all. Whoever locks an endpoint
and its deliveries takes the endpoint first.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from accounts import delivery_words
from accounts.models import WebhookDelivery, WebhookEndpoint

Status = WebhookDelivery.Status
Reason = WebhookEndpoint.Reason

# Sent once the outbox holds something new; whoever runs a sender may want to wake it.
written = Signal()

# What is waited after each try but the last: ten tries in about three days.
DELAYS_SECONDS = (10, 60, 300, 1_800, 7_200, 21_600, 43_200, 75_600, 108_000)
TRIES_MAX = len(DELAYS_SECONDS) + 1
JITTER = 0.2
# Longer than any one POST may take.
LEASE = timedelta(seconds=60)
LOOKED_AT_MAX = 1_000
# Nobody's slow receivers take the places of the others.
ACCOUNT_SHARE_MAX = 10
GONE = 410
FORGET_BATCH = 1_000
FORGET_ROUNDS_MAX = 1_000
# A try-out from the website: the customer waits in front of it, so it is tried once.
TEST = "webhook.test"


def write(messages: Iterable[WebhookDelivery]) -> int:
    """Put messages into the outbox, in the caller's transaction, and return how many."""
    count = len(WebhookDelivery.objects.bulk_create(messages))
    if count:
        written.send(sender=WebhookDelivery)
    return count


def claim(limit: int, sender: UUID, busy: Collection[UUID] = ()) -> list[WebhookDelivery]:
    """Claim up to `limit` due messages for one lease, a few of each account, longest due first.

    `busy` names accounts to leave out. A try counts from here on, whatever becomes of it.
    """
    now = timezone.now()
    waiting = _due(now).exclude(account__in=busy).order_by("due_at", "id")
    chosen = _fairly(waiting.values_list("pk", "account_id")[:LOOKED_AT_MAX], limit)
    if not chosen:
        return []
    with transaction.atomic():
        rows = _due(now).filter(pk__in=chosen).select_related("account", "endpoint")
        claimed = list(rows.select_for_update(skip_locked=True, of=("self",)))
        WebhookDelivery.objects.filter(pk__in=[one.pk for one in claimed]).update(
            leased_by=sender, lease_until=now + LEASE, attempts=F("attempts") + 1
        )
    for one in claimed:
        one.leased_by, one.attempts = sender, one.attempts + 1
    return claimed


def next_due() -> datetime | None:
    """Return when there is something to send next, None when the outbox is empty."""
    waiting = WebhookDelivery.objects.filter(status=Status.PENDING)
    return waiting.order_by("due_at").values_list("due_at", flat=True).first()


def settle(delivery: WebhookDelivery, status_code: int | None, trouble: str = "") -> None:
    """Note how a claimed try ended: 2xx is delivered, anything else `trouble` in words.

    Nothing is noted by a sender whose lease ran out and was given to another.
    """
    with transaction.atomic():
        endpoint = _locked(delivery.endpoint_id)
        if status_code is not None and 200 <= status_code < 300:
            _delivered(delivery, endpoint, status_code)
        else:
            _not_delivered(delivery, endpoint, status_code, trouble)


def switch_off(endpoint: WebhookEndpoint, reason: Reason) -> bool:
    """Send nothing more to an endpoint; what is on its way counts as not delivered."""
    with transaction.atomic():
        on = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
        if on.update(disabled_at=timezone.now(), disabled_reason=reason, told_at=None) != 1:
            return False
        endpoint.deliveries.filter(status=Status.PENDING).update(
            status=Status.FAILED, last_error=delivery_words.SWITCHED_OFF
        )
    return True


def repeat(delivery: WebhookDelivery) -> None:
    """Send a message again under its own id: now, and with all its tries when it had ended."""
    rows = WebhookDelivery.objects.filter(pk=delivery.pk)
    with transaction.atomic():
        rows.exclude(status=Status.PENDING).update(
            status=Status.PENDING,
            attempts=0,
            delivered_at=None,
            tried_at=None,
            last_error="",
            lease_until=None,
            leased_by=None,
        )
        rows.update(due_at=timezone.now())
        written.send(sender=WebhookDelivery)


def forget(now: datetime) -> int:
    """Remove what is older than WEBHOOK_KEPT_DAYS and return how much that was."""
    old = WebhookDelivery.objects.filter(
        created_at__lt=now - timedelta(days=settings.WEBHOOK_KEPT_DAYS)
    ).order_by("created_at")
    total = 0
    for _ in range(FORGET_ROUNDS_MAX):
        batch = list(old.values_list("pk", flat=True)[:FORGET_BATCH])
        total += WebhookDelivery.objects.filter(pk__in=batch).delete()[0]
        if len(batch) < FORGET_BATCH:
            break
    return total


def _due(now: datetime) -> QuerySet[WebhookDelivery]:
    earlier = WebhookDelivery.objects.filter(
        account=OuterRef("account"),
        url=OuterRef("url"),
        subject=OuterRef("subject"),
        pk__lt=OuterRef("pk"),
        status=Status.PENDING,
    )
    unclaimed = Q(lease_until=None) | Q(lease_until__lt=now)
    return WebhookDelivery.objects.filter(
        unclaimed, ~Exists(earlier), status=Status.PENDING, due_at__lte=now
    )


def _fairly(waiting: Iterable[tuple[int, UUID]], limit: int) -> list[int]:
    shares: Counter[UUID] = Counter()
    chosen = []
    for pk, account in waiting:
        shares[account] += 1
        if shares[account] <= ACCOUNT_SHARE_MAX:
            chosen.append(pk)
    return chosen[:limit]


def _locked(endpoint_id: int | None) -> WebhookEndpoint | None:
    rows = WebhookEndpoint.objects.select_for_update(no_key=True)
    return None if endpoint_id is None else rows.filter(pk=endpoint_id).first()


def _ours(delivery: WebhookDelivery) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(pk=delivery.pk, leased_by=delivery.leased_by)


def _delivered(
    delivery: WebhookDelivery, endpoint: WebhookEndpoint | None, status_code: int
) -> None:
    now = timezone.now()
    _ours(delivery).update(
        status=Status.DELIVERED,
        delivered_at=now,
        tried_at=now,
        last_status_code=status_code,
        last_error="",
        lease_until=None,
    )
    if endpoint is not None and endpoint.failing_since is not None:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)


def _not_delivered(
    delivery: WebhookDelivery,
    endpoint: WebhookEndpoint | None,
    status_code: int | None,
    trouble: str,
) -> None:
    now = timezone.now()
    once = delivery.event == TEST or (endpoint is not None and not endpoint.is_on)
    last = once or status_code == GONE or delivery.attempts >= TRIES_MAX
    noted = (
        _ours(delivery)
        .filter(status=Status.PENDING)
        .update(
            status=Status.FAILED if last else Status.PENDING,
            due_at=now + _wait(delivery.attempts),
            tried_at=now,
            last_status_code=status_code,
            last_error=trouble[:300],
            lease_until=None,
        )
    )
    if noted and delivery.event != TEST and endpoint is not None and endpoint.is_on:
        _judge(endpoint, status_code, now)


def _judge(endpoint: WebhookEndpoint, status_code: int | None, now: datetime) -> None:
    """Switch an endpoint off that is gone, or that has failed everything for days."""
    since = endpoint.failing_since
    if since is None:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=now)
    if status_code == GONE:
        switch_off(endpoint, Reason.GONE)
    elif since is not None and since <= now - timedelta(days=settings.WEBHOOK_FAILING_DAYS):
        switch_off(endpoint, Reason.FAILING)


def _wait(attempts: int) -> timedelta:
    """Return the jittered delay after this many tries."""
    delay = DELAYS_SECONDS[min(attempts, len(DELAYS_SECONDS)) - 1]
    # Jitter spreads messages that met the same trouble; it needs no secrecy.
    return timedelta(seconds=delay * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311
