"""Idempotency-Key: a request that is repeated is answered again, not done again.

The row that takes a key is written in the same transaction as the job. Its unique constraint lets
one of many at once go first; the others wait for that commit and read the answer. A request that
fails leaves no row, so that it may be repeated with the same key when its cause is mended.
Source: the IETF draft "The Idempotency-Key HTTP Header Field".
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Account
from generations.models import KeptAnswer

KEPT = timedelta(hours=24)
NAME_LENGTH_MAX = 255

Answer = dict[str, Any]


class NameUnusable(ValueError):
    """The header's value cannot be a key; the sentence says why."""

    def __init__(self) -> None:
        super().__init__(
            f"The header Idempotency-Key must be 1 to {NAME_LENGTH_MAX} printable ASCII characters,"
            " such as a UUID."
        )


class NameTaken(ValueError):
    """The key came with another request before."""

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used for another request within the last 24 hours. Use a new "
            "key for a new request. Nothing was charged."
        )


def checked(name: str) -> str:
    """Return the key as it came. Raises NameUnusable."""
    if not (0 < len(name) <= NAME_LENGTH_MAX and name.isascii() and name.isprintable()):
        raise NameUnusable
    return name


def fingerprint(*parts: object) -> str:
    """Return a digest that is the same for the same request, whatever the order of its fields."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def answer_once(
    account: Account, name: str, request: str, produce: Callable[[], Answer]
) -> tuple[Answer, bool]:
    """Return what `produce` answers the first time, and whether this is a repetition.

    `request` is the fingerprint. Raises NameTaken, and whatever `produce` raises.
    """
    with transaction.atomic():
        KeptAnswer.objects.filter(
            account=account, name=name, created_at__lt=timezone.now() - KEPT
        ).delete()
        kept = KeptAnswer(account=account, name=name, request=request)
        # Waits here for whoever is at work with the same key.
        KeptAnswer.objects.bulk_create([kept], ignore_conflicts=True)
        first = KeptAnswer.objects.select_for_update().get(account=account, name=name)
        if first.request != request:
            raise NameTaken
        if first.answer is not None:
            return first.answer, True
        first.answer = produce()
        first.save(update_fields=["answer"])
        return first.answer, False


def forget() -> int:
    """Remove the keys that are no longer kept and return how many there were."""
    return KeptAnswer.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
