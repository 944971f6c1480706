"""What a program is told of a key: its rules, its cap, and its account's limits."""

from datetime import datetime
from typing import Any

from accounts.models import ApiKey
from billing import caps, money
from config.limits import tier_of
from generations.predictions import timestamp


def cap_facts(standing: caps.Standing | None) -> dict[str, Any]:
    """Return cap, spent and remaining in dollars, and when they start anew; null without a cap."""
    if standing is None:
        return dict.fromkeys(("cap", "cap_period", "spent", "remaining", "resets_at"))
    return {
        "cap": _dollars(standing.cap_micros),
        "cap_period": standing.period,
        "spent": _dollars(standing.spent_micros),
        "remaining": _dollars(standing.remaining_micros),
        "resets_at": timestamp(standing.resets_at),
    }


def key_facts(key: ApiKey) -> dict[str, Any]:
    """Return everything about a key but its secret."""
    tier = tier_of(key.account.paid_micros)
    return {
        "name": key.name,
        "prefix": key.prefix,
        "mode": key.mode,
        "scopes": key.scopes,
        "created_at": timestamp(key.created_at),
        "expires_at": _moment(key.expires_at),
        "previous_secret_until": _moment(key.previous_until if key.is_changing else None),
        "allowed_networks": key.allowed_networks,
        **cap_facts(caps.standing_of(key)),
        "limits": {
            "key_requests_per_minute": tier.key_per_minute,
            "account_requests_per_minute": tier.account_per_minute,
            "running_jobs": tier.running_jobs,
        },
    }


def _moment(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None


def _dollars(micros: int) -> float:
    """Return dollars as a JSON number: the shortest that reads back to the same micro-dollars."""
    return float(money.decimal(micros))
