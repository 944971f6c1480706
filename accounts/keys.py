"""API keys: shown once, kept as a digest, found by it; changed, limited and revoked here."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import rates
from accounts.models import Account, ApiKey, Mode, User, all_scopes
from config import statements
from config.visitors import Address, within

MARKS = {Mode.LIVE: "gal_live_", Mode.TEST: "gal_test_"}
SECRET_BYTES = 24
# The mark and six letters: enough to tell keys apart, of no use to a thief.
PREFIX_LENGTH = 15
# Writing "last used" on every request would make one row hot; a minute is near enough.
LAST_USED_STEP = timedelta(minutes=1)
ACTIVE_KEYS_MAX = 50
NETWORKS_MAX = 50
# For how long the old secret may work beside a new one.
OVERLAPS = (timedelta(), timedelta(hours=1), timedelta(days=1), timedelta(days=7))


# What is read of them with every request; the rest is there when somebody asks for it.
_KEY_FIELDS = (
    *("id", "account_id", "created_by_id", "mode", "scopes", "expires_at", "allowed_networks"),
    *("cap_micros", "cap_period", "last_used_at"),
)
_ACCOUNT_FIELDS = ("id", "mode", "live_id", "paid_micros")


@dataclass(frozen=True)
class Question:
    """SQL that asks for one value, may name the row `key`, and brings values of its own."""

    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)


NO_QUESTION = Question("NULL")

# What every request of a program begins with. Two statements rather than an OR: nearly always the
# first one answers, by one index.
_FIND = f"""
SELECT {", ".join(f"key.{name}" for name in _KEY_FIELDS)},
       {", ".join(f"account.{name}" for name in _ACCOUNT_FIELDS)},
       CASE WHEN %(minute)s::bigint IS NOT NULL
            THEN accounts_count_request(key.id, key.account_id, %(minute)s::bigint) END,
       (<beside>)
FROM accounts_apikey AS key JOIN accounts_account AS account ON account.id = key.account_id
                            JOIN accounts_user AS maker ON maker.id = key.created_by_id
WHERE key.revoked_at IS NULL AND maker.is_active AND <found>
"""  # noqa: S608  names of our own columns
_BY_DIGEST = _FIND.replace("<found>", "key.digest = %(digest)s")
_BY_PREVIOUS = _FIND.replace(
    "<found>", "key.previous_digest = %(digest)s AND key.previous_until > %(now)s"
)


@lru_cache
def _beside(sql: str) -> tuple[str, str]:
    return _BY_DIGEST.replace("<beside>", sql), _BY_PREVIOUS.replace("<beside>", sql)


class TooManyKeys(ValueError):
    """The account holds as many keys as it may; revoke one to make another."""

    def __init__(self) -> None:
        many = _("You have %(number)s keys. Revoke one you no longer use first.")
        super().__init__(many % {"number": ACTIVE_KEYS_MAX})


class NotAMember(PermissionDenied):
    """Who has no place in an account makes no keys for it; the place may have just ended."""

    def __init__(self) -> None:
        super().__init__("You do not belong to this account any more.")


class BadNetwork(ValueError):
    """The text names no network."""

    def __init__(self, text: str) -> None:
        sentence = _(
            "Write an address such as 192.0.2.7 or a network such as 192.0.2.0/24, not %(text)r."
        )
        super().__init__(sentence % {"text": text})


@dataclass(frozen=True)
class Rules:
    """What a key may do, until when, and from where."""

    scopes: list[str] = field(default_factory=all_scopes)
    expires_at: datetime | None = None
    allowed_networks: list[str] = field(default_factory=list)


def issue(
    account: Account,
    user: User,
    name: str,
    *,
    rules: Rules | None = None,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which is shown now and never again.

    A twin's key is a test key. Raises TooManyKeys and NotAMember.
    """
    secret = _new_secret(Mode(account.mode))
    with transaction.atomic():
        # One at a time for an account, or two callers would both take the last place; and none
        # while somebody is taken off the team, whose keys are revoked in that moment.
        live = account.of_members
        Account.objects.select_for_update(no_key=True).get(pk=live.pk)
        if not live.memberships.filter(user=user).exists():
            raise NotAMember
        if active(account).count() >= ACTIVE_KEYS_MAX:
            raise TooManyKeys
        key = ApiKey.objects.create(
            account=account,
            created_by=user,
            name=name,
            mode=account.mode,
            prefix=secret[:PREFIX_LENGTH],
            digest=digest(secret),
            **asdict(rules or Rules()),
        )
    return key, secret


def find(secret: str) -> ApiKey | None:
    """Return the key of this secret that is not revoked, noting its use, or None.

    It may have expired. A secret that was changed finds its key while it overlaps the new one.
    """
    return _found(secret, ApiKey.objects.all())


def find_counting(
    secret: str, beside: Question = NO_QUESTION
) -> tuple[ApiKey, rates.Counts, Any] | None:
    """Do as find, and count a request: in PostgreSQL that takes no round trip of its own.

    Nor does a question that is asked beside it; what it found is the third part of the answer.
    """
    asked = {
        "digest": digest(secret),
        "now": timezone.now(),
        "minute": rates.minute_to_count(),
        **beside.values,
    }
    rows: list[tuple[Any, ...]] = []
    for statement in _beside(beside.sql):
        rows = rows or statements.rows(statement, asked)
    if not rows:
        return None
    *values, counted, found = rows[0]
    key = statements.loaded(ApiKey, _KEY_FIELDS, values[: len(_KEY_FIELDS)])
    account = statements.loaded(Account, _ACCOUNT_FIELDS, values[len(_KEY_FIELDS) :])
    ApiKey.account.field.set_cached_value(key, account)
    _note_use(key)
    return key, rates.counts_of(key, counted), found


def refuse_reason(key: ApiKey, address: Address | None) -> str:
    """Return why this key does not work from there, "" when it does."""
    nets = [ip_network(text) for text in key.allowed_networks]
    if not nets or (address is not None and within(address, nets)):
        return ""
    return (
        f"This key may not be used from {address or 'an unknown address'}. An owner or an admin "
        "of the account can add the address to the key."
    )


def change_secret(key: ApiKey, overlap: timedelta) -> str:
    """Give the key a new secret and return it; the old one works for the overlap and no longer.

    One that was changed before and still overlaps ends now.
    """
    secret, now = _new_secret(Mode(key.mode)), timezone.now()
    with transaction.atomic():
        current = ApiKey.objects.select_for_update().get(pk=key.pk)
        current.previous_digest = current.digest if overlap else None
        current.previous_prefix = current.prefix if overlap else ""
        current.previous_until = now + overlap if overlap else None
        current.digest, current.prefix = digest(secret), secret[:PREFIX_LENGTH]
        current.save(
            update_fields=[
                *("digest", "prefix"),
                *("previous_digest", "previous_prefix", "previous_until"),
            ]
        )
    return secret


def end_previous(key: ApiKey) -> None:
    """Have the secret before the last change work no longer."""
    ApiKey.objects.filter(pk=key.pk).update(
        previous_digest=None, previous_prefix="", previous_until=None
    )


def change_rules(key: ApiKey, name: str, rules: Rules) -> None:
    """Give the key another name and other rules; they hold from the next request on."""
    ApiKey.objects.filter(pk=key.pk).update(name=name, **asdict(rules))


def networks(texts: Iterable[str]) -> list[str]:
    """Return the networks as we keep them: 192.0.2.7 becomes 192.0.2.7/32. Raises BadNetwork."""
    found = []
    for text in texts:
        try:
            found.append(str(ip_network(text.strip(), strict=False)))
        except ValueError as error:
            raise BadNetwork(text[:60]) from error
    return list(dict.fromkeys(found))


def revoke(key: ApiKey) -> bool:
    """Make the key useless from now on; False when it already was."""
    return ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()) == 1


def active(account: Account) -> QuerySet[ApiKey]:
    """Return the account's keys that are not revoked, newest first."""
    return account.api_keys.filter(revoked_at=None).order_by("-id")


def digest(secret: str) -> str:
    """Return the hex SHA-256 of a secret; it is random enough to need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _new_secret(mode: Mode) -> str:
    return MARKS[mode] + secrets.token_urlsafe(SECRET_BYTES)


def _found(secret: str, keys: QuerySet[ApiKey]) -> ApiKey | None:
    working = keys.select_related("account", "created_by").filter(
        revoked_at=None, created_by__is_active=True
    )
    known = digest(secret)
    key = (
        working.filter(digest=known).first()
        or working.filter(previous_digest=known, previous_until__gt=timezone.now()).first()
    )
    if key is not None:
        _note_use(key)
    return key


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - LAST_USED_STEP:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
