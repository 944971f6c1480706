"""Gifts of credit: codes, the credit that comes with a new account, and when they end."""

from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import twins
from accounts.models import Account
from accounts.opening import account_of
from billing import ledger, memos, money
from billing.models import Grant, PromoCode

GIFTS_SHOWN_MAX = 5
EXPIRY_ROUNDS_MAX = 100


class CodeRefused(ValueError):
    """The code gives nothing: unknown, ended and used up are answered alike."""

    def __init__(self) -> None:
        super().__init__(_("This code is not valid, or no longer. Look at how it is spelled."))


class CodeUsed(ValueError):
    """This account has had the code's credit."""

    def __init__(self) -> None:
        super().__init__(_("You have used this code already. Its credit is in your statement."))


def redeem(account: Account, text: str) -> int:
    """Give the credit of a code, once per account, and return it.

    Small letters and blanks do not matter. Raises CodeRefused, CodeUsed and twins.LiveOnly.
    """
    twins.require_live(account)
    code = "".join(text.split()).upper()
    now = timezone.now()
    if ledger.booked(_reference(code, account)):
        raise CodeUsed
    valid = PromoCode.objects.filter(code=code, valid_until__gt=now)
    with transaction.atomic():
        if (
            valid.filter(redemptions__lt=F("redemptions_max")).update(
                redemptions=F("redemptions") + 1
            )
            != 1
        ):
            raise CodeRefused
        promo = PromoCode.objects.get(code=code)
        if not ledger.grant(
            account,
            promo.amount_micros,
            expires_at=now + timedelta(days=promo.life_days),
            reference=_reference(code, account),
            memo=memos.CODE % {"code": code},
        ):
            # Whoever redeemed at the same moment was first; leaving undoes the count.
            raise CodeUsed
    return promo.amount_micros


def welcome(account: Account) -> bool:
    """Give the credit that a new account starts with; False when there is none, or it was given.

    Raises twins.LiveOnly.
    """
    twins.require_live(account)
    amount_micros = money.parse(settings.SIGNUP_CREDIT)
    if not amount_micros:
        return False
    return ledger.grant(
        account,
        amount_micros,
        expires_at=timezone.now() + timedelta(days=settings.SIGNUP_CREDIT_DAYS),
        reference=f"signup:{account.pk}",
        memo=memos.WELCOME,
    )


@receiver(email_confirmed, dispatch_uid="billing.promotions.welcome")
def welcome_confirmed(email_address: EmailAddress, **_signal: Any) -> None:
    """Welcome the account of somebody whose first address is confirmed; a later one is no start."""
    user = email_address.user
    others = EmailAddress.objects.filter(user=user, verified=True).exclude(pk=email_address.pk)
    if not others.exists():
        welcome(account_of(user))


def gifts_of(account: Account) -> QuerySet[Grant]:
    """Return the promotional credit that is left and will end, the soonest first."""
    unused = Grant.objects.filter(
        account=account, remaining_micros__gt=0, expires_at__gt=timezone.now()
    )
    return unused.order_by("expires_at", "id")[:GIFTS_SHOWN_MAX]


def end_due(now: datetime) -> int:
    """Take back what is left of every promotion that has ended; return how many did."""
    ended = 0
    for _round in range(EXPIRY_ROUNDS_MAX):
        last = ledger.expire_grants(now)
        ended += last
        if last < ledger.EXPIRIES_MAX:
            break
    return ended


def _reference(code: str, account: Account) -> str:
    return f"code:{code}:{account.pk}"
