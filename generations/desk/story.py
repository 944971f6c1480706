"""An account's story: everything that happened to it, in the order of time, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice, takewhile
from typing import Any

from django.db.models import F, QuerySet

from accounts.acts import OperatorAct
from accounts.models import Account, ApiKey, Membership, WebhookDelivery, WebhookEndpoint
from billing import ledger, money
from billing.models import CreditOrder, Dispute, Purchase, Refund, RefundOrder, Transfer
from config import table_names
from generations.models import Generation

LINES_MAX = 100
ORDERED = ("ordered credit", "ordered a refund")


@dataclass(frozen=True)
class Happening:
    """One thing that happened: when, of which sort, in words, and where it can be looked at."""

    at: datetime
    sort: str
    words: str
    address: str = ""
    change: str = ""


def of(account: Account, before: datetime | None = None) -> list[Happening]:
    """Return up to LINES_MAX happenings, newest first, those before a moment if one is given."""
    sources = (
        *(_transfers, _jobs_asked, _jobs_ended, _purchases, _refunds, _orders, _disputes),
        *(_credit_orders, _keys, _keys_revoked, _endpoints, _deliveries, _acts),
    )
    lines = [list(source(account, before)) for source in sources]
    if before is None or account.created_at < before:
        lines.append([Happening(account.created_at, "account", "Account opened")])
    newest = merge(*lines, key=lambda line: line.at, reverse=True)
    page = list(islice(newest, LINES_MAX))
    # The next page begins before this moment, so all of it belongs here.
    page += takewhile(lambda line: line.at == page[-1].at, newest)
    return page


def _newest(rows: QuerySet[Any], at: str, before: datetime | None) -> QuerySet[Any]:
    """Return the newest rows, as many as a page may need; those without a moment are left out."""
    bounds = {f"{at}__lt": before} if before else {f"{at}__isnull": False}
    return rows.filter(**bounds).order_by(F(at).desc(), "-pk")[:LINES_MAX]


def _transfers(account: Account, before: datetime | None) -> Iterator[Happening]:
    book = ledger.book(account)
    rows = Transfer.objects.filter(debit=book) | Transfer.objects.filter(credit=book)
    for row in _newest(rows, "created_at", before):
        sign = 1 if row.credit_id == book.pk else -1
        words = f"{row.get_kind_display().capitalize()}: {row.memo or row.reference}"
        change = money.display(sign * row.amount_micros)
        yield Happening(row.created_at, "money", words, table_names.page_of(row), change)


def _jobs_asked(account: Account, before: datetime | None) -> Iterator[Happening]:
    for row in _newest(Generation.objects.filter(account=account), "created_at", before):
        how = "by a key" if row.api_key_id else "on the website"
        words = f"Film asked for {how}: {row.memo}, {money.display(row.price_micros)}"
        yield Happening(row.created_at, "film", words, table_names.page_of(row))


def _jobs_ended(account: Account, before: datetime | None) -> Iterator[Happening]:
    for row in _newest(Generation.objects.filter(account=account), "finished_at", before):
        done = row.status == Generation.Status.COMPLETED
        words = "Film ready" if done else f"Film failed: {row.error}"
        yield Happening(row.finished_at, "film", words, table_names.page_of(row))


def _purchases(account: Account, before: datetime | None) -> Iterator[Happening]:
    for row in _newest(Purchase.objects.filter(account=account), "created_at", before):
        sum_of = money.display(row.amount_micros)
        words = (
            f"Purchase of {sum_of} begun, {row.get_origin_display()}: {row.get_status_display()}"
        )
        yield Happening(row.created_at, "payment", words, table_names.page_of(row))


def _refunds(account: Account, before: datetime | None) -> Iterator[Happening]:
    for row in _newest(Refund.objects.filter(purchase__account=account), "created_at", before):
        words = f"Refund of {money.display(row.amount_micros)}: {row.status}"
        yield Happening(row.created_at, "payment", words, table_names.page_of(row))


def _orders(account: Account, before: datetime | None) -> Iterator[Happening]:
    rows = RefundOrder.objects.filter(purchase__account=account).select_related("by")
    for row in _newest(rows, "created_at", before):
        words = f"Refund ordered by {row.by}: {row.reason} ({row.get_state_display()})"
        yield Happening(row.created_at, "operator", words, table_names.page_of(row))


def _disputes(account: Account, before: datetime | None) -> Iterator[Happening]:
    for row in _newest(Dispute.objects.filter(purchase__account=account), "created_at", before):
        words = f"Dispute of {money.display(row.amount_micros)}: {row.status}, {row.reason}"
        yield Happening(row.created_at, "payment", words, table_names.page_of(row))


def _credit_orders(account: Account, before: datetime | None) -> Iterator[Happening]:
    waiting = CreditOrder.objects.filter(account=account, state=CreditOrder.State.OPEN)
    for row in _newest(waiting.select_related("by"), "created_at", before):
        sum_of = money.display(row.amount_micros)
        words = f"{row.get_sort_display().capitalize()}, {sum_of}, waits for a second person"
        yield Happening(row.created_at, "operator", words, table_names.page_of(row))


def _keys(account: Account, before: datetime | None) -> Iterator[Happening]:
    for row in _newest(ApiKey.objects.filter(account=account), "created_at", before):
        yield Happening(row.created_at, "key", f"Key {row} made", table_names.page_of(row))


def _keys_revoked(account: Account, before: datetime | None) -> Iterator[Happening]:
    for row in _newest(ApiKey.objects.filter(account=account), "revoked_at", before):
        yield Happening(row.revoked_at, "key", f"Key {row} revoked", table_names.page_of(row))


def _endpoints(account: Account, before: datetime | None) -> Iterator[Happening]:
    for row in _newest(WebhookEndpoint.objects.filter(account=account), "created_at", before):
        state = row.get_disabled_reason_display()
        yield Happening(row.created_at, "webhook", f"Webhook added: {row.url} ({state})")


def _deliveries(account: Account, before: datetime | None) -> Iterator[Happening]:
    failed = WebhookDelivery.objects.filter(account=account, status=WebhookDelivery.Status.FAILED)
    for row in _newest(failed, "tried_at", before):
        words = f"Webhook {row.event} not delivered: {row.last_error}"
        yield Happening(row.tried_at, "webhook", words, table_names.page_of(row))


def _acts(account: Account, before: datetime | None) -> Iterator[Happening]:
    # Orders have lines of their own.
    rows = OperatorAct.objects.filter(about_account=account.pk).exclude(what__in=ORDERED)
    rows = rows.select_related("by")
    for row in _newest(rows, "at", before):
        yield Happening(
            row.at, "operator", f"{row.by} {row.what}: {row.reason}", table_names.page_of(row)
        )


def members(account: Account) -> QuerySet[Membership]:
    """Return who belongs to the account, in the order in which they came."""
    return account.of_members.memberships.select_related("user").order_by("id")
