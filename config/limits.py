"""How much an account may ask of us: a table by what it has paid.

The setting LIMITS holds it: "0=600/1200/20,100=1200/2400/100" gives an account that has paid
nothing 600 requests a minute by each key, 1,200 by all its keys together, and 20 running jobs;
from $100 on it may have twice that and 100 jobs.
"""

import re
from dataclasses import dataclass
from typing import Self

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

LADDER = "0=600/1200/20,100=1200/2400/100,1000=3000/6000/500,10000=12000/24000/2000"
SANDBOX = "0=120000/240000/20000"
MICROS_PER_DOLLAR = 1_000_000

_STEP = re.compile(r"(\d{1,9})=([1-9]\d{0,8})/([1-9]\d{0,8})/([1-9]\d{0,8})", re.ASCII)


@dataclass(frozen=True, order=True)
class Tier:
    """What an account may do that has paid at least so much.

    Requests are counted by the minute, for each key and for all keys of the account; jobs above
    `running_jobs` wait.
    """

    paid_dollars: int
    key_per_minute: int
    account_per_minute: int
    running_jobs: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the tier of "100=1200/2400/100". Raises ImproperlyConfigured."""
        match = _STEP.fullmatch(text.strip())
        if match is None:
            raise ImproperlyConfigured(
                f"LIMITS has steps such as 100=1200/2400/100 (paid dollars, requests a minute by "
                f"a key and by an account, running jobs), not {text!r}."
            )
        return cls(*(int(figure) for figure in match.groups()))

    @property
    def paid_micros(self) -> int:
        """The sum from which on it holds."""
        return self.paid_dollars * MICROS_PER_DOLLAR


def parse(text: str) -> tuple[Tier, ...]:
    """Return the whole table, the smallest sum first. Raises ImproperlyConfigured."""
    tiers = tuple(sorted(Tier.parse(step) for step in text.split(",")))
    if tiers[0].paid_dollars or len({tier.paid_dollars for tier in tiers}) < len(tiers):
        raise ImproperlyConfigured("LIMITS starts with 0= and names each sum once.")
    return tiers


def tier_of(paid_micros: int) -> Tier:
    """Return what an account may do that has paid so much; a refund can take a tier away."""
    reached = [tier for tier in settings.LIMITS if tier.paid_micros <= paid_micros]
    tier: Tier = reached[-1] if reached else settings.LIMITS[0]
    return tier
