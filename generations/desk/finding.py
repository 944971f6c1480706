"""Search for whatever an operator was told: a name, an address, the start of a key, any id."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet
from django.urls import reverse

from accounts.models import Account, ApiKey, User, WebhookDelivery
from billing.models import Dispute, PaymentProfile, Purchase, Refund, StripeEvent
from config import table_names
from generations.models import Generation
from generations.reports.models import UpstreamBill

WORDS_LENGTH_MAX = 200
WORDS_LENGTH_MIN = 2
FOUND_MAX = 20
HEX_LENGTH = 32
# Longer than the part of a key that is kept: what follows it is a secret and is not looked at.
KEY_PREFIX_MAX = 20
SORTS: dict[type[Model], str] = {
    Account: "account",
    User: "user",
    ApiKey: "API key",
    Generation: "job",
    Purchase: "purchase",
    Refund: "refund",
    Dispute: "dispute",
    PaymentProfile: "customer",
    StripeEvent: "event",
    WebhookDelivery: "webhook",
    UpstreamBill: "upstream bill",
}


@dataclass(frozen=True)
class Hit:
    """One thing that was found: what sort it is, what it is called, and where it stands."""

    sort: str
    title: str
    facts: str
    address: str


def search(words: str, asker: AbstractBaseUser | AnonymousUser) -> list[Hit]:
    """Return what the asker may see of what these words name; exact ids and parts of names."""
    words = words.strip().replace("\x00", "")[:WORDS_LENGTH_MAX]
    if len(words) < WORDS_LENGTH_MIN:
        return []
    return [
        _hit(row)
        for model, rows in _questions(words)
        if _may_see(asker, model)
        for row in rows[:FOUND_MAX]
    ]


def _questions(words: str) -> Iterator[tuple[type[Model], QuerySet[Any]]]:
    """Yield what to ask for, the likeliest first. Django escapes % and _ in what is looked for."""
    key = _id_in(words)
    named = Q(pk=key) if key else Q(name__icontains=words) | Q(users__email__icontains=words)
    stripe = Q(payment_intent=words) | Q(session=words) | Q(invoice=words)
    job = Q(pk=key) | Q(upstream_id=words) if key else Q(upstream_id=words)
    yield Account, Account.objects.filter(named).distinct().order_by("-created_at", "pk")
    yield User, User.objects.filter(email__icontains=words).order_by("email")
    yield ApiKey, _keys(words)
    yield Generation, Generation.objects.filter(job).select_related("account").order_by("pk")
    bought = Purchase.objects.filter(stripe | Q(pk=key) if key else stripe)
    yield Purchase, bought.select_related("account").order_by("-created_at", "pk")
    yield Refund, Refund.objects.filter(pk=words).select_related("purchase__account")
    yield Dispute, Dispute.objects.filter(pk=words).select_related("purchase__account")
    yield PaymentProfile, PaymentProfile.objects.filter(customer=words).select_related("account")
    yield StripeEvent, StripeEvent.objects.filter(pk=words)
    message = Q(event_id=key) if key else Q(pk=None)
    yield WebhookDelivery, WebhookDelivery.objects.filter(message).select_related("account")
    bills = Q(pk=words) | Q(upstream_id=words)
    yield UpstreamBill, UpstreamBill.objects.filter(bills).order_by("billed_at")


def _keys(words: str) -> QuerySet[ApiKey]:
    """Find keys by how they begin. A whole secret finds its key too, and is itself not kept."""
    start = words[:KEY_PREFIX_MAX]
    if not re.fullmatch(r"[A-Za-z0-9_-]+", start):
        return ApiKey.objects.none()
    known = Q(prefix__startswith=start) | Q(previous_prefix__startswith=start)
    if len(words) > KEY_PREFIX_MAX:
        # Kept beginnings may be shorter than what was typed.
        parts = [start[:length] for length in range(8, KEY_PREFIX_MAX + 1)]
        known = Q(prefix__in=parts) | Q(previous_prefix__in=parts)
    return ApiKey.objects.filter(known).select_related("account").order_by("-pk")


def _id_in(words: str) -> uuid.UUID | None:
    """Return the id in "8f…", "generation:8f…", "msg_8f…" or with dashes; None without one."""
    found = re.search(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$", words.lower())
    return uuid.UUID(found.group()) if found else None


def _may_see(asker: AbstractBaseUser | AnonymousUser, model: type[Model]) -> bool:
    return isinstance(asker, User) and asker.has_perm(table_names.permission(model, "view"))


def _hit(row: Any) -> Hit:
    account = getattr(row, "account", None) or getattr(
        getattr(row, "purchase", None), "account", None
    )
    if isinstance(row, Account):
        address = reverse("admin:account_story", args=[row.pk])
    else:
        address = table_names.page_of(row)
    state = getattr(row, "status", None) or getattr(row, "type", "") or ""
    facts = [str(fact) for fact in (account, state) if fact]
    if isinstance(row, Account):
        facts = [f"opened {row.created_at:%Y-%m-%d}", str(row.pk)]
    return Hit(SORTS[type(row)], str(row), " · ".join(facts), address)
