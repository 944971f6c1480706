"""What customers and the operator have asked for: top-ups, alerts, promotions."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account


class PromoCode(models.Model):
    """A word that gives promotional credit, once per account and so often in all."""

    code = models.CharField(max_length=40, unique=True, help_text="in capital letters")
    amount_micros = models.BigIntegerField()
    life_days = models.PositiveIntegerField(help_text="days until the credit expires")
    redemptions_max = models.PositiveIntegerField()
    redemptions = models.PositiveIntegerField(default=0)
    valid_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="promo_code_positive"),
            models.CheckConstraint(
                condition=Q(redemptions__lte=F("redemptions_max")), name="promo_code_not_used_up"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class AutoTopUpQuerySet(models.QuerySet["AutoTopUp"]):
    """Which rules ask for money."""

    def due(self, now: datetime) -> Self:
        """Rules that are on, may try again, and whose account has fallen below its threshold."""
        held = F("account__ledger_account__held_micros")
        return self.filter(
            state=AutoTopUp.State.ON,
            next_try_at__lte=now,
            account__ledger_account__frozen=False,
            account__ledger_account__balance_micros__lt=F("threshold_micros") + held,
        )


class AutoTopUp(models.Model):
    """A customer's wish to be topped up from a saved card, and how it is going."""

    class State(models.TextChoices):
        ON = "on", "on"
        PAUSED = "paused", "waiting for your bank"
        OFF = "off", "off"

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="auto_top_up")
    state = models.CharField(max_length=10, choices=State, default=State.OFF)
    threshold_micros = models.BigIntegerField()
    amount_micros = models.BigIntegerField()
    monthly_cap_micros = models.BigIntegerField()
    payment_method = models.CharField(max_length=255, blank=True)
    card_brand = models.CharField(max_length=40, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    declines = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    told = models.CharField("what the customer was told", max_length=300, blank=True)
    # What the mailed link must carry; emptied by its first use.
    link_word = models.CharField(max_length=64, blank=True)

    objects = AutoTopUpQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(threshold_micros__gte=0, amount_micros__gt=0),
                name="auto_top_up_positive",
            ),
            models.CheckConstraint(
                condition=Q(monthly_cap_micros__gte=F("amount_micros")),
                name="auto_top_up_cap_holds_one",
            ),
            models.CheckConstraint(
                condition=~Q(state="on") | ~Q(payment_method=""), name="auto_top_up_on_has_card"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.state}"


class Alert(models.Model):
    """A figure that the customer wants to hear of once each time it is crossed."""

    class Kind(models.TextChoices):
        LOW_BALANCE = "low_balance", "balance below"
        SPEND = "spend", "spent this month above"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=20, choices=Kind)
    threshold_micros = models.BigIntegerField()
    armed = models.BooleanField(default=True)
    fired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "threshold_micros"], name="alert_once"
            ),
            models.CheckConstraint(condition=Q(threshold_micros__gt=0), name="alert_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.threshold_micros}"
