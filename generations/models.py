"""What an account makes: pictures that came in, and the jobs that turn them into videos."""

import re
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account, ApiKey, User
from generations import catalog

STRIP_FRAMES = 12
REFERENCE_START = "generation:"
# What a job usually takes at the real upstream; only the progress strip is drawn from it.
EXPECTED_SECONDS = 6 if settings.SANDBOX else 120


class Upload(models.Model):
    """A first frame, judged and kept. Without `file` it is a ticket still to be filled."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="uploads")
    filename = models.CharField(max_length=200)
    content_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    file = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.filename

    @property
    def is_ready(self) -> bool:
        """Whether the bytes are here."""
        return bool(self.file)

    @property
    def safe_filename(self) -> str:
        """The customer's file name with everything but plain characters replaced."""
        return re.sub(r"[^A-Za-z0-9._-]+", "-", self.filename).strip(".-")[-80:] or "picture"


class GenerationQuerySet(models.QuerySet["Generation"]):
    """The questions that are asked about jobs."""

    def visible_to(self, account: Account) -> "GenerationQuerySet":
        """Return what this account may see: its own, whatever their status."""
        return self.filter(account=account)

    def due(self, now: datetime) -> "GenerationQuerySet":
        """Return unfinished jobs whose time has come and which nobody has claimed."""
        unclaimed = Q(lease_until=None) | Q(lease_until__lt=now)
        return self.filter(unclaimed, status__in=Generation.UNFINISHED, due_at__lte=now)

    def unfinished(self) -> "GenerationQuerySet":
        """Return jobs that still need the driver."""
        return self.filter(status__in=Generation.UNFINISHED)


class Generation(models.Model):
    """One job: a picture to become a video. This row is the job; tasks only wake the driver.

    `status`, `lease_until`, `due_at` and what follows from them are written by
    generations.lifecycle alone.
    """

    class Status(models.TextChoices):
        CREATED = "created", "waiting for a place"
        SUBMITTING = "submitting", "being handed over"
        IN_DOUBT = "in_doubt", "being handed over"
        PROCESSING = "processing", "being made"
        COMPLETED = "completed", "ready"
        FAILED = "failed", "failed"

    UNFINISHED = (Status.CREATED, Status.SUBMITTING, Status.IN_DOUBT, Status.PROCESSING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="generations")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="+")
    model = models.CharField(max_length=100)
    inputs = models.JSONField()
    price_micros = models.BigIntegerField()
    upload = models.ForeignKey(Upload, on_delete=models.PROTECT, null=True, related_name="+")

    status = models.CharField(max_length=12, choices=Status, default=Status.CREATED)
    status_since = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    upstream_image = models.CharField(max_length=2048, blank=True)
    upstream_id = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001  NULL until known, so that unique holds
    error_code = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    operator_note = models.CharField(max_length=500, blank=True)

    video = models.CharField(max_length=200, blank=True)
    poster = models.CharField(max_length=200, blank=True)
    strip = models.CharField(max_length=200, blank=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    frames = models.PositiveIntegerField(null=True)
    duration_ms = models.PositiveIntegerField(null=True)
    size = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    submitted_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = GenerationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price_micros__gt=0), name="generation_price_positive"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "created",
                        "submitting",
                        "in_doubt",
                        "processing",
                        "completed",
                        "failed",
                    ]
                ),
                name="generation_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="completed") | (~Q(video="") & Q(finished_at__isnull=False)),
                name="generation_completed_has_video",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | (~Q(error="") & Q(finished_at__isnull=False)),
                name="generation_failed_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status="processing") | Q(upstream_id__isnull=False),
                name="generation_processing_is_known_upstream",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(status__in=["created", "submitting", "in_doubt", "processing"]),
                name="generation_due",
            ),
            models.Index(fields=["account", "-created_at", "-id"], name="generation_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.id.hex} {self.status}"

    @property
    def hold_reference(self) -> str:
        """The ledger's name for this job."""
        return f"{REFERENCE_START}{self.id.hex}"

    @staticmethod
    def id_in(reference: str) -> uuid.UUID | None:
        """Return the job's id out of its hold_reference, None for any other reference."""
        name = reference.removeprefix(REFERENCE_START)
        try:
            return None if name == reference else uuid.UUID(name)
        except ValueError:
            return None

    @property
    def memo(self) -> str:
        """The line on the customer's statement."""
        title = catalog.model(self.model).title
        return f"{title} · {self.inputs['resolution']} · {self.inputs['duration']} s"

    @property
    def is_finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.status not in self.UNFINISHED

    @property
    def seconds(self) -> str:
        """The video's length as a timecode, or the asked one while there is no video."""
        asked: int = self.inputs["duration"]
        whole = asked if self.duration_ms is None else round(self.duration_ms / 1000)
        return f"{whole // 60:02d}:{whole % 60:02d}"

    @property
    def strip_filled(self) -> int:
        """How many of the strip's 12 frames to fill: a share of the expected time."""
        if self.is_finished:
            return STRIP_FRAMES
        if self.status != self.Status.PROCESSING:
            return 0
        running = (timezone.now() - (self.submitted_at or self.status_since)).total_seconds()
        return min(STRIP_FRAMES - 1, 1 + int(running * (STRIP_FRAMES - 1) / EXPECTED_SECONDS))

    def overdue(self, patience: timedelta) -> bool:
        """Whether the job has been in its status for longer than this."""
        return self.status_since < timezone.now() - patience
