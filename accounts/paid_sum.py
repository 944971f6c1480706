"""What an account has paid, less what went back: its limits grow with it (config.limits)."""

from django.db.models import F

from accounts.models import Account


def count(account: Account, change_micros: int) -> None:
    """Count a payment, or below zero what was returned; call it where that is booked."""
    paid = F("paid_micros") + change_micros
    Account.objects.filter(pk=account.pk).update(paid_micros=paid)
