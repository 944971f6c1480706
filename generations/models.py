"""What an account makes: pictures that came in, and the jobs that turn them into videos."""

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account, ApiKey, User
from generations import catalog, marked, pricing

STRIP_FRAMES = 12
REFERENCE_START = "generation:"
# What a job usually takes at the real upstream; only the progress strip is drawn from it.
EXPECTED_SECONDS = 6 if settings.SANDBOX else 120
EXPECTED_SECONDS_TEST = 3


def hold_reference(job: uuid.UUID) -> str:
    """Return the ledger's name for the job of this id."""
    return f"{REFERENCE_START}{job.hex}"


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
        """Return what this account may see: its own of any status, unless deleted or hidden."""
        return self.filter(marked.SHOWN, account=account)

    def due(self, now: datetime) -> "GenerationQuerySet":
        """Return unfinished jobs whose time has come and which nobody has claimed."""
        unclaimed = Q(lease_until=None) | Q(lease_until__lt=now)
        return self.filter(unclaimed, status__in=Generation.UNFINISHED, due_at__lte=now)

    def unfinished(self) -> "GenerationQuerySet":
        """Return jobs that still need the driver."""
        return self.filter(status__in=Generation.UNFINISHED)


class Generation(marked.Marked):
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
    # Whether its account is in test mode: then generations.rehearsal makes it, nobody upstream.
    test = models.BooleanField(default=False, db_default=False)
    model = models.CharField(max_length=100)
    inputs = models.JSONField()
    price_micros = models.BigIntegerField()
    # What came back of the price because the film came out shorter than asked.
    shortfall_micros = models.BigIntegerField(default=0)
    upload = models.ForeignKey(Upload, on_delete=models.PROTECT, null=True, related_name="+")
    # The address that the request named, told of the end: see accounts.webhooks.
    webhook = models.CharField(max_length=2048, blank=True)

    status = models.CharField(max_length=12, choices=Status, default=Status.CREATED)
    status_since = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    leased_by = models.UUIDField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    upstream_image = models.CharField(max_length=2048, blank=True)
    upstream_id = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001  NULL until known, so that unique holds
    error_code = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    operator_note = models.CharField(max_length=500, blank=True)

    video = models.CharField(max_length=200, blank=True)
    poster = models.CharField(max_length=200, blank=True)
    strip = models.CharField(max_length=200, blank=True)
    preview = models.CharField(max_length=200, blank=True)
    # The poster for cards; films made before there were any have none.
    poster_small = models.CharField(max_length=200, blank=True, default="", db_default="")
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    frames = models.PositiveIntegerField(null=True)
    duration_ms = models.PositiveIntegerField(null=True)
    size = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    submitted_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Since when the upstream's history has shown nothing of a job that is in doubt.
    absent_since = models.DateTimeField(null=True)
    # Since when the film is ready upstream and could not be fetched.
    fetching_since = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

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
                condition=~Q(status="completed")
                | Q(finished_at__isnull=False) & (~Q(video="") | Q(deleted_at__isnull=False)),
                name="generation_completed_has_video",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at=None) | Q(status__in=["completed", "failed"]),
                name="generation_deleted_is_finished",
            ),
            models.CheckConstraint(
                condition=Q(shortfall_micros=0)
                | Q(status="completed", shortfall_micros__gt=0)
                & Q(shortfall_micros__lt=F("price_micros")),
                name="generation_shortfall_within_price",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | (~Q(error="") & Q(finished_at__isnull=False)),
                name="generation_failed_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status="processing") | Q(upstream_id__isnull=False),
                name="generation_processing_is_known_upstream",
            ),
            *marked.CONSTRAINTS,
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(status__in=["created", "submitting", "in_doubt", "processing"]),
                name="generation_due",
            ),
            models.Index(fields=["account", "-created_at", "-id"], name="generation_newest"),
            models.Index(
                fields=["account", "created_at", "id"],
                condition=Q(status="created"),
                name="generation_waiting",
            ),
            models.Index(
                fields=["submitted_at"],
                condition=Q(status="processing"),
                name="generation_running",
            ),
            models.Index(
                fields=["finished_at"],
                condition=Q(status="completed"),
                name="generation_finished",
            ),
            models.Index(
                fields=["due_at"],
                condition=Q(
                    test=True, status__in=["created", "submitting", "in_doubt", "processing"]
                ),
                name="generation_test_due",
            ),
            models.Index(
                fields=["finished_at"],
                condition=Q(test=True, deleted_at=None),
                name="generation_test_kept",
            ),
            *marked.INDEXES,
            # For what happened lately in all accounts: a few pages, whatever the table's size.
            BrinIndex(fields=["created_at"], autosummarize=True, name="generation_created"),
        ]

    def __str__(self) -> str:
        return f"{self.id.hex} {self.status}"

    @property
    def hold_reference(self) -> str:
        """The ledger's name for this job."""
        return hold_reference(self.id)

    @staticmethod
    def id_in(reference: str) -> uuid.UUID | None:
        """Return the job's id out of its hold_reference, None for any other reference."""
        name = reference.removeprefix(REFERENCE_START)
        try:
            return None if name == reference else uuid.UUID(name)
        except ValueError:
            return None

    @property
    def sent_inputs(self) -> dict[str, Any]:
        """What the upstream gets, and by which the job is found there again: see wavespeed.mark.

        With a picture that is the job's own copy of it. Without one it is a seed of our choosing,
        the same at each try, where the customer left it to chance.
        """
        if catalog.model(self.model).wants_picture:
            return {**self.inputs, "image": self.upstream_image}
        if self.inputs["seed"] != catalog.RANDOM_SEED:
            return dict(self.inputs)
        return {**self.inputs, "seed": self.id.int & catalog.SEED_MAX}

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
        return f"{self.whole_seconds // 60:02d}:{self.whole_seconds % 60:02d}"

    @property
    def whole_seconds(self) -> int:
        """The video's length in seconds as it is charged, or the asked one before there is one."""
        asked: int = self.inputs["duration"]
        return asked if self.duration_ms is None else pricing.whole_seconds(self.duration_ms)

    @property
    def seconds_missing(self) -> int:
        """How many seconds the video is shorter than asked; 0 for a longer one."""
        return max(0, int(self.inputs["duration"]) - self.whole_seconds)

    @property
    def paid_micros(self) -> int:
        """What the video cost: the price less what came back of it."""
        return self.price_micros - self.shortfall_micros

    @property
    def shape(self) -> tuple[int, int]:
        """Width to height, of the film or, before there is one, of what it is to be."""
        if self.width and self.height:
            return self.width, self.height
        if self.upload and self.upload.width and self.upload.height:
            return self.upload.width, self.upload.height
        width, _, height = str(self.inputs.get("aspect_ratio", "16:9")).partition(":")
        return int(width), int(height)

    @property
    def strip_filled(self) -> int:
        """How many of the strip's 12 frames to fill when nothing is known of other jobs."""
        return self.frames_filled(EXPECTED_SECONDS_TEST if self.test else EXPECTED_SECONDS)

    def frames_filled(self, expected_seconds: float) -> int:
        """Return how many of the strip's 12 frames to fill: a share of the expected time."""
        if self.is_finished:
            return STRIP_FRAMES
        if self.status != self.Status.PROCESSING:
            return 0
        running = (timezone.now() - (self.submitted_at or self.status_since)).total_seconds()
        return min(
            STRIP_FRAMES - 1, 1 + int(running * (STRIP_FRAMES - 1) / max(1.0, expected_seconds))
        )

    def overdue(self, patience: timedelta) -> bool:
        """Whether the job has been in its status for longer than this."""
        return self.status_since < timezone.now() - patience


class Submission(models.Model):
    """One POST of a job to the upstream, noted before it is sent. Nearly every job has one."""

    class Outcome(models.TextChoices):
        SENT = "sent", "sent"
        ACCEPTED = "accepted", "accepted"
        TURNED_AWAY = "turned_away", "turned away, to be sent again"
        REFUSED = "refused", "refused for good"
        IN_DOUBT = "in_doubt", "nobody knows"

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="submissions")
    sent_at = models.DateTimeField(default=timezone.now, db_index=True)
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.SENT)

    def __str__(self) -> str:
        return f"{self.sent_at} {self.outcome}"


class Turn(models.Model):
    """When an account was last given a place upstream: among equals, the longest ago is next."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True)
    served_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.account_id} {self.served_at}"


class UpstreamState(models.Model):
    """What all drivers know of the upstream together: one row, whose lock deals the places.

    `ceiling` is how many jobs at once it took before it said 429, None while it never did.
    While there is `trouble`, nothing is submitted but one job at `probe_at`, to see if it is over.
    """

    class Trouble(models.TextChoices):
        NONE = "", "none"
        MONEY = "money", "the account with the upstream is out of money"
        KEY = "key", "the upstream refuses our key"
        DOWN = "down", "the upstream does not answer"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    ceiling = models.PositiveIntegerField(null=True)
    ceiling_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=8, choices=Trouble, default=Trouble.NONE, blank=True)
    trouble_since = models.DateTimeField(null=True)
    trouble_note = models.CharField(max_length=500, blank=True)
    told_at = models.DateTimeField(null=True)
    probes = models.PositiveIntegerField(default=0)
    probe_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.get_trouble_display()


class DiscardedFile(models.Model):
    """A stored file that nothing refers to any more and that is still to be removed."""

    name = models.CharField(max_length=200, unique=True)
    since = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.name


class KeptAnswer(models.Model):
    """What a request with an Idempotency-Key was answered; None while it is still at work."""

    # No index of its own: names are looked up by account and name, by the one that keeps them once.
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=255)
    request = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="kept_answer_once")]

    def __str__(self) -> str:
        return self.name
