"""What operators have ordered about an account's credit."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account


class CreditOrder(models.Model):
    """Credit that an operator gives, takes or forgives; a large one waits for a second operator.

    Written by billing.credit_orders alone.
    """

    class Sort(models.TextChoices):
        GRANT = "grant", "give credit"
        TAKE = "take", "take credit"
        FORGIVE = "forgive", "forgive what is owed"

    class State(models.TextChoices):
        OPEN = "open", "waits for a second person"
        DONE = "done", "done"
        REFUSED = "refused", "refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credit_orders")
    sort = models.CharField(max_length=10, choices=Sort)
    amount_micros = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="credit_order_positive"),
            models.CheckConstraint(condition=~Q(reason=""), name="credit_order_has_reason"),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None)
                | (~Q(state="open") & Q(decided_at__isnull=False)),
                name="credit_order_decided_or_not",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("by")) | Q(state="refused"),
                name="credit_order_second_person",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(state="open"), name="credit_order_open"
            ),
            models.Index(fields=["account", "-created_at"], name="credit_order_newest"),
        ]
        permissions = [("confirm_creditorder", "Can confirm another operator's credit order")]

    def __str__(self) -> str:
        return f"{self.sort} {self.id}"


class Freeze(models.Model):
    """Spending that an operator has stopped. While the row is there, no dispute's end thaws it."""

    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, primary_key=True, related_name="freeze"
    )
    reason = models.CharField(max_length=300)
    since = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.account_id} since {self.since:%Y-%m-%d}"
