"""What the upstream charges us: its prices, dated, and its bills, each with its job."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from generations.models import Generation


class UpstreamPrice(models.Model):
    """What a second of a model costs us from `since` on, until a later row says otherwise."""

    model = models.CharField(max_length=100)
    resolution = models.CharField(max_length=10)
    micros_per_second = models.BigIntegerField()
    since = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(micros_per_second__gte=0), name="upstream_price_not_negative"
            ),
            models.UniqueConstraint(
                fields=["model", "resolution", "since"], name="upstream_price_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.resolution} since {self.since:%Y-%m-%d}"


class UpstreamBill(models.Model):
    """A charge of the upstream's for a job, or what it gave back of one.

    Without `generation` the upstream charged us for something that no job of ours knows of.
    """

    class Sort(models.TextChoices):
        CHARGE = "deduct", "charge"
        REFUND = "refund", "refund"

    id = models.CharField(primary_key=True, max_length=64)
    sort = models.CharField(max_length=10, choices=Sort)
    micros = models.BigIntegerField()
    upstream_id = models.CharField(max_length=64, db_index=True)
    generation = models.ForeignKey(
        Generation, on_delete=models.PROTECT, null=True, related_name="upstream_bills"
    )
    billed_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(micros__gte=0), name="upstream_bill_not_negative"),
            models.CheckConstraint(
                condition=Q(sort__in=["deduct", "refund"]), name="upstream_bill_sort_known"
            ),
        ]
        permissions = [("see_reports", "Can see the operator's reports")]

    def __str__(self) -> str:
        return f"{self.sort} of {self.upstream_id}"
