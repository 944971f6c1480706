"""Requests a minute, by key and by account: counted, told in headers, refused above the limit.

A key's count is one row that starts anew each minute; an account's is the sum of its keys' rows.
PostgreSQL counts in the very query that looks the key up, in a table without a write-ahead log;
with Redis, Redis counts, in one round trip of its own.

The headers are those of the IETF's draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy`
tells the limits, `RateLimit` what is left of them and for how many seconds.
"""

import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.models import ApiKey
from config.errors import ApiError
from config.limits import Tier, tier_of

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60
REDIS_SECONDS_MAX = 0.5


@dataclass(frozen=True)
class Counts:
    """How many requests were made in this minute, this one among them, and when it ends."""

    of_key: int
    of_account: int
    seconds_left: int


def now() -> float:
    """Return the seconds since 1970, by which minutes are told apart."""
    return time.time()


def minute_to_count() -> int | None:
    """Return the minute that PostgreSQL is to count a request in; None if Redis counts."""
    return None if settings.REDIS_URL else int(now() // WINDOW_SECONDS)


def counts_of(key: ApiKey, counted: list[int] | None) -> Counts:
    """Return the counts of a key as PostgreSQL counted them; counts now if Redis does."""
    of_key, of_account = _counted_by_redis(key) if counted is None else counted
    return Counts(of_key, of_account, WINDOW_SECONDS - int(now() % WINDOW_SECONDS))


class PerMinute(BaseThrottle):
    """Refuses what is above the limits with 429, and tells the limits on every other answer.

    `request.counts` comes from the authentication.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        """Return True. Raises ApiError 429."""
        counts, key = getattr(request, "counts", None), request.auth
        if isinstance(counts, Counts) and isinstance(key, ApiKey):
            tier = tier_of(key.account.paid_micros)
            view.headers.update(headers(tier, counts))
            if refusal := refused(tier, counts):
                raise refusal
        return True


def headers(tier: Tier, counts: Counts) -> dict[str, str]:
    """Return what the answer tells of the limits."""
    limits = (
        ("key", tier.key_per_minute, counts.of_key),
        ("account", tier.account_per_minute, counts.of_account),
    )
    left = counts.seconds_left
    return {
        "RateLimit-Policy": ", ".join(
            f'"{name}";q={limit};w={WINDOW_SECONDS}' for name, limit, _ in limits
        ),
        "RateLimit": ", ".join(
            f'"{name}";r={max(0, limit - used)};t={left}' for name, limit, used in limits
        ),
    }


def refused(tier: Tier, counts: Counts) -> ApiError | None:
    """Return the answer to a request above one of the limits."""
    if counts.of_key > tier.key_per_minute:
        who, limit = "This key", tier.key_per_minute
    elif counts.of_account > tier.account_per_minute:
        who, limit = "This account", tier.account_per_minute
    else:
        return None
    wait = counts.seconds_left
    return ApiError(
        429,
        f"{who} may make {limit} requests a minute. Try again in {wait} s. "
        f"The limit grows with what you have paid: {settings.PUBLIC_URL}/account/keys.",
        {"limit": limit, "retry_after": wait},
        wait=wait,
    )


@lru_cache(maxsize=1)
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=REDIS_SECONDS_MAX, socket_connect_timeout=REDIS_SECONDS_MAX
    )


def _counted_by_redis(key: ApiKey) -> tuple[int, int]:
    minute = int(now() // WINDOW_SECONDS)
    names = (f"requests:key:{key.pk}:{minute}", f"requests:account:{key.account_id}:{minute}")
    pipeline = _redis(settings.REDIS_URL).pipeline(transaction=False)
    for name in names:
        pipeline.incr(name)
        pipeline.expire(name, 2 * WINDOW_SECONDS)
    try:
        of_key, _, of_account, _ = pipeline.execute()
    except redis.RedisError as error:
        # Better a minute without a limit than a minute without an API.
        logger.warning("Requests are not counted: %s", error)
        return 0, 0
    return of_key, of_account
