"""Accounts in test mode: each live account has one beside it, its twin, once somebody wants it.

Everything hangs on an account, so what a twin has and does never meets what its live account has.
Nobody is a member of a twin: who belongs to the live account may use both.
"""

from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from accounts.models import Account, Mode

# Sent inside the transaction that opens a twin, with `account`: whoever has something to give it
# gives it now.
opened = Signal()


class LiveOnly(ValueError):
    """What has to do with real money does not exist in test mode; nothing was done."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Nothing costs money in test mode, so nothing can be bought, saved or redeemed "
                "there. Switch to live mode first."
            )
        )


def require_live(account: Account) -> None:
    """Raise LiveOnly for an account in test mode; call it before anything is done."""
    if account.is_test:
        raise LiveOnly


def twin_of(account: Account) -> Account:
    """Return the account's twin in test mode, opening it on the first call; a twin is its own.

    Two first calls at the same moment open one.
    """
    if account.is_test:
        return account
    return _known(account) or _open(account)


def _known(account: Account) -> Account | None:
    return Account.objects.select_related("live").filter(live=account).first()


def _open(account: Account) -> Account:
    with transaction.atomic():
        live = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if known := _known(live):
            return known
        twin = Account.objects.create(name=live.name, mode=Mode.TEST, live=live)
        opened.send(sender=Account, account=twin)
    return twin
