"""Payments as Stripe knows them, and what became of them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from billing.money import MICROS_PER_CENT


class PaymentProfile(models.Model):
    """An account as Stripe knows it."""

    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, related_name="payment_profile"
    )
    customer = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=~Q(customer=""), name="payment_profile_customer_once"
            )
        ]

    def __str__(self) -> str:
        return self.customer or f"{self.account} (not at Stripe yet)"


class Purchase(models.Model):
    """Credit that an account set out to buy. The row comes before anything at Stripe."""

    class Status(models.TextChoices):
        OPEN = "open", _("waiting for payment")
        PAID = "paid", _("paid")
        FAILED = "failed", _("payment failed")
        EXPIRED = "expired", _("not completed")

    class Origin(models.TextChoices):
        CHECKOUT = "checkout", "bought at Checkout"
        AUTO = "auto", "topped up automatically"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="purchases")
    amount_micros = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.CHECKOUT)
    bonus_micros = models.BigIntegerField(default=0)
    charged_cents = models.BigIntegerField("cents charged, tax included", null=True)
    invoice = models.CharField(max_length=255, blank=True)
    session = models.CharField("Checkout session", max_length=255, unique=True, null=True)  # noqa: DJ001  NULL until Stripe answers, so that unique holds
    payment_intent = models.CharField(max_length=255, blank=True)
    # Of an automatic purchase: the card it charges, kept so that asking again asks the same.
    payment_method = models.CharField(max_length=255, blank=True)
    told = models.CharField("what the customer was told", max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="purchase_positive"),
            models.CheckConstraint(
                condition=Q(bonus_micros__gte=0), name="purchase_bonus_not_negative"
            ),
            # Stripe counts in whole cents.
            models.CheckConstraint(
                condition=Exact(F("amount_micros") % Value(MICROS_PER_CENT), Value(0)),
                name="purchase_whole_cents",
            ),
            models.CheckConstraint(
                condition=Q(status="paid", paid_at__isnull=False)
                | (~Q(status="paid") & Q(paid_at=None)),
                name="purchase_paid_has_date",
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(origin="auto", status="open"),
                name="purchase_one_auto_in_flight",
            ),
        ]
        indexes = [models.Index(fields=["account", "-created_at"], name="purchase_newest")]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class Refund(models.Model):
    """Money that went back to a buyer, as Stripe tells it."""

    id = models.CharField(primary_key=True, max_length=255)
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="refunds")
    amount_micros = models.BigIntegerField("credit taken back")
    bonus_micros = models.BigIntegerField("bonus taken back", default=0)
    status = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="refund_positive")
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class Dispute(models.Model):
    """A payment that a buyer's bank questions. `money_out` and `money_in` only ever turn true."""

    id = models.CharField(primary_key=True, max_length=255)
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="disputes")
    amount_micros = models.BigIntegerField("credit in question")
    bonus_micros = models.BigIntegerField("bonus in question", default=0)
    status = models.CharField(max_length=40)
    reason = models.CharField(max_length=60, blank=True)
    money_out = models.BooleanField(default=False)
    money_in = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="dispute_positive"),
            models.CheckConstraint(
                condition=Q(money_in=False) | Q(money_out=True), name="dispute_out_before_in"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class RefundOrder(models.Model):
    """A refund that the operator ordered: who, when and why, kept before Stripe is asked."""

    class State(models.TextChoices):
        OPEN = "open", "not confirmed by Stripe yet"
        DONE = "done", "done"
        REFUSED = "refused", "refused by Stripe"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="refund_orders")
    cents = models.BigIntegerField("cents to give back, tax included")
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, null=True, related_name="order")
    told = models.CharField("what Stripe said", max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(cents__gt=0), name="refund_order_positive"),
            models.CheckConstraint(
                condition=Q(state="done", refund__isnull=False)
                | (~Q(state="done") & Q(refund=None)),
                name="refund_order_done_has_refund",
            ),
            models.UniqueConstraint(
                fields=["purchase"], condition=Q(state="open"), name="refund_order_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"


class StripeEvent(models.Model):
    """An event from Stripe. `done_at` is written in the same transaction as its effect."""

    id = models.CharField(primary_key=True, max_length=255)
    type = models.CharField(max_length=100)
    payload = models.JSONField()
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    done_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["received_at"], condition=Q(done_at=None), name="stripe_event_undone"
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
