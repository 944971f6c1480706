"""Idempotency-Key: a request that is repeated is answered again, not done again.

The row that takes a key is written by the statement that writes the job: see generations.orders.
Of many at once one goes first; the others wait for its commit, for they need the account's row,
and get its answer. A request that fails leaves no row, so that it may be repeated with the same
key when its cause is mended.
Source: the IETF draft "The Idempotency-Key HTTP Header Field".
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from generations.models import KeptAnswer

KEPT = timedelta(hours=24)
NAME_LENGTH_MAX = 255


@dataclass(frozen=True)
class Once:
    """The Idempotency-Key, the fingerprint of its request, and the answer to be kept."""

    name: str
    request: str
    answer: dict[str, Any]


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


def forget() -> int:
    """Remove the keys that are no longer kept and return how many there were."""
    return KeptAnswer.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
