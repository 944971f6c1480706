"""Operators stop an account's spending, and let it go on."""

from django.db import transaction

from accounts import acts
from accounts.models import Account, User
from billing import clawbacks, ledger
from billing.models import Freeze


class FreezeRefused(ValueError):
    """Nothing was changed; the sentence says why."""


def freeze(account: Account, reason: str, by: User) -> None:
    """Let the account spend nothing; running jobs go on. Raises FreezeRefused."""
    with transaction.atomic():
        ledger.lock(account)
        _, new = Freeze.objects.get_or_create(account=account, defaults={"reason": reason})
        if not new:
            raise FreezeRefused("An operator has stopped this account's spending already.")
        _settle(account, "froze an account", reason, by)


def thaw(account: Account, reason: str, by: User) -> None:
    """Let the account spend again, unless a dispute is open. Raises FreezeRefused."""
    with transaction.atomic():
        ledger.lock(account)
        if not Freeze.objects.filter(account=account).delete()[0]:
            raise FreezeRefused(
                "No operator has stopped this account's spending. If it is frozen, a dispute is "
                "open: it thaws by itself when that ends."
            )
        _settle(account, "thawed an account", reason, by)


def _settle(account: Account, what: str, reason: str, by: User) -> None:
    before = {"frozen": ledger.book(account).frozen}
    clawbacks.freeze_or_thaw(account)
    after = {"frozen": ledger.book(account).frozen}
    acts.note(by, what, account, reason, account=account.pk, before=before, after=after)
