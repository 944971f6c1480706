"""API keys: issued once in full, kept as a digest, found by it, revoked for good."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account, ApiKey, User

MARK = "gal_live_"
SECRET_BYTES = 24
PREFIX_LENGTH = len(MARK) + 6
# Writing "last used" on every request would make one row hot; a minute is near enough.
LAST_USED_STEP = timedelta(minutes=1)
ACTIVE_KEYS_MAX = 50


class TooManyKeys(ValueError):
    """The account holds as many keys as it may; revoke one to make another."""

    def __init__(self) -> None:
        super().__init__(f"You have {ACTIVE_KEYS_MAX} keys. Revoke one you no longer use first.")


def issue(account: Account, user: User, name: str) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which is shown now and never again.

    Raises TooManyKeys.
    """
    secret = MARK + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        # One at a time for an account, or two callers would both take the last place.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if active(account).count() >= ACTIVE_KEYS_MAX:
            raise TooManyKeys
        key = ApiKey.objects.create(
            account=account,
            created_by=user,
            name=name,
            prefix=secret[:PREFIX_LENGTH],
            digest=digest(secret),
        )
    return key, secret


def find(secret: str) -> ApiKey | None:
    """Return the live key of this secret, noting its use, or None."""
    key = (
        ApiKey.objects.select_related("account", "created_by")
        .filter(digest=digest(secret), revoked_at=None, created_by__is_active=True)
        .first()
    )
    if key is not None:
        _note_use(key)
    return key


def revoke(key: ApiKey) -> bool:
    """Make the key useless from now on; False when it already was."""
    return ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()) == 1


def active(account: Account) -> QuerySet[ApiKey]:
    """Return the account's keys that work, newest first."""
    return account.api_keys.filter(revoked_at=None).order_by("-id")


def digest(secret: str) -> str:
    """Return the hex SHA-256 of a secret; it is random enough to need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - LAST_USED_STEP:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
