"""Test credit: what an account in test mode spends. It costs nothing and is worth nothing.

It comes out of ledger accounts of its own, and PostgreSQL refuses any transfer between those and
the real ones.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext

from accounts import twins
from accounts.models import Account
from billing import ledger, memos, money
from billing.models import LedgerAccount, Transfer

FULL_MICROS = 100 * money.MICROS_PER_DOLLAR
PAUSE = timedelta(minutes=1)


class RefillRefused(ValueError):
    """No test credit was added; the sentence says why."""


@receiver(twins.opened, dispatch_uid="billing.trial.welcome")
def welcome(account: Account, **_: Any) -> None:
    """Give a new twin its first test credit."""
    _give(account, FULL_MICROS, timezone.now())


def refill(account: Account, now: datetime) -> int:
    """Fill the test credit up to $100 again, once a minute, and return what was added.

    Raises RefillRefused.
    """
    if not account.is_test:
        raise RefillRefused(gettext("Only an account in test mode has test credit."))
    with transaction.atomic():
        # One refill of an account at a time: the second sees what the first has given.
        ledger.lock(account)
        book = ledger.book(account)
        missing = FULL_MICROS - book.available_micros
        given = Transfer.objects.filter(credit=book, kind=Transfer.Kind.TEST_CREDIT)
        if missing <= 0:
            raise RefillRefused(gettext("Your test credit is full."))
        if given.filter(created_at__gt=now - PAUSE).exists():
            raise RefillRefused(gettext("Test credit was added a moment ago. Wait a minute."))
        _give(account, missing, now)
    return missing


def _give(account: Account, amount_micros: int, now: datetime) -> None:
    ledger.deposit(
        account,
        amount_micros,
        source=LedgerAccount.Code.TEST_CREDIT,
        kind=Transfer.Kind.TEST_CREDIT,
        reference=f"test:{account.pk}:{now.isoformat()}",
        memo=memos.TEST_CREDIT,
    )
