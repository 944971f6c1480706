"""The books: written by billing.ledger alone.

The rules are named constraints: the database refuses what the code forgot.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account, ApiKey


class LedgerAccount(models.Model):
    """One side of a transfer: a customer's credit, or one of the operator's own accounts.

    Only a customer's row carries a running balance and the sum of its open holds. The
    operator's accounts are summed from the transfers when asked, so no row is hot for everyone.
    """

    class Code(models.TextChoices):
        STRIPE = "stripe", "money at Stripe"
        REVENUE = "revenue", "revenue"
        PROMOTIONS = "promotions", "promotions"
        DISPUTES = "disputes", "disputes"
        RECEIVABLES = "receivables", "receivables"
        TEST_CREDIT = "test_credit", "test credit"
        TEST_REVENUE = "test_revenue", "test revenue"

    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, null=True, related_name="ledger_account"
    )
    code = models.CharField(max_length=20, choices=Code, unique=True, null=True)  # noqa: DJ001  NULL for customers, so that unique holds
    balance_micros = models.BigIntegerField(default=0)
    held_micros = models.BigIntegerField(default=0)
    # What a claw-back could not take: the next purchase pays it before anything else.
    receivable_micros = models.BigIntegerField(default=0)
    frozen = models.BooleanField(default=False)
    # Whether any grant may still expire: spares everyone else a look at the grants.
    has_grants = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(account=None, code__isnull=False) | Q(account__isnull=False, code=None),
                name="ledger_account_customer_or_operator",
            ),
            models.CheckConstraint(
                condition=Q(held_micros__gte=0), name="ledger_account_held_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(receivable_micros__gte=0), name="ledger_account_receivable_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(balance_micros__gte=F("held_micros")),
                name="ledger_account_available_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(code=None) | Q(balance_micros=0, held_micros=0, receivable_micros=0),
                name="ledger_account_operator_is_summed",
            ),
        ]

    def __str__(self) -> str:
        return self.code or str(self.account)

    @property
    def available_micros(self) -> int:
        """What can be spent now: the balance less what running jobs hold."""
        return self.balance_micros - self.held_micros


class Transfer(models.Model):
    """A sum moved from one ledger account (debit) to another (credit), for good.

    A customer's credit is what we owe them: a credit raises it and a debit lowers it. A
    mistake is mended by a further transfer; the database refuses UPDATE and DELETE.
    """

    class Kind(models.TextChoices):
        PURCHASE = "purchase", "purchase"
        PROMOTION = "promotion", "promotion"
        CAPTURE = "capture", "video"
        BONUS = "bonus", "bonus"
        BONUS_BACK = "bonus_back", "bonus taken back"
        REFUND = "refund", "refund"
        REFUND_FAILED = "refund_failed", "refund that failed"
        DISPUTE = "dispute", "dispute"
        DISPUTE_WON = "dispute_won", "dispute won"
        RECEIVABLE = "receivable", "owed after a refund or dispute"
        RECEIVABLE_PAID = "receivable_paid", "owed sum paid"
        EXPIRY = "expiry", "promotion expired"
        SHORTFALL = "shortfall", "video shorter than asked"
        CORRECTION = "correction", "correction"
        TEST_CREDIT = "test_credit", "test credit"

    debit = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="debits")
    credit = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="credits")
    amount_micros = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=Kind)
    reference = models.CharField(max_length=120)
    memo = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="transfer_positive"),
            models.CheckConstraint(
                condition=~Q(debit=F("credit")), name="transfer_between_two_accounts"
            ),
            models.UniqueConstraint(fields=["kind", "reference"], name="transfer_once"),
        ]
        indexes = [
            models.Index(fields=["debit", "-id"], name="transfer_debit_newest"),
            models.Index(fields=["credit", "-id"], name="transfer_credit_newest"),
            # For what moved lately in all accounts: a few pages, whatever the table's size.
            BrinIndex(fields=["created_at"], autosummarize=True, name="transfer_created"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Hold(models.Model):
    """Credit set aside for one job: captured once, or released once."""

    class State(models.TextChoices):
        HELD = "held", "held"
        CAPTURED = "captured", "captured"
        RELEASED = "released", "released"

    ledger_account = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="holds"
    )
    amount_micros = models.BigIntegerField()
    reference = models.CharField(max_length=120, unique=True)
    memo = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="hold_positive"),
            models.CheckConstraint(
                condition=Q(state="held", settled_at=None)
                | Q(state__in=["captured", "released"], settled_at__isnull=False),
                name="hold_settled_or_not",
            ),
        ]
        indexes = [
            models.Index(
                fields=["ledger_account"], condition=Q(state="held"), name="hold_open_by_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.state}"


class Grant(models.Model):
    """Promotional credit that expires. `remaining_micros` is what no video has used yet."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="grants")
    amount_micros = models.BigIntegerField()
    remaining_micros = models.BigIntegerField()
    expires_at = models.DateTimeField()
    reference = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="grant_positive"),
            models.CheckConstraint(
                condition=Q(remaining_micros__gte=0, remaining_micros__lte=F("amount_micros")),
                name="grant_remaining_within_amount",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(remaining_micros__gt=0), name="grant_unused"
            )
        ]

    def __str__(self) -> str:
        return self.reference


class KeySpend(models.Model):
    """What a key with a cap has set aside in one period of its cap: see billing.caps."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()
    spent_micros = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "since"], name="key_spend_once_a_period"),
            models.CheckConstraint(condition=Q(spent_micros__gte=0), name="key_spend_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.key_id} since {self.since}: {self.spent_micros}"
