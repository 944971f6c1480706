"""Who uses Gallop, and for whom: users, the accounts that pay and own, and their keys."""

import uuid
from datetime import date, timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import MD5, Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.acts import OperatorAct  # noqa: F401  Django looks for it here
from accounts.invitation import Invitation  # noqa: F401  Django looks for it here


class UserManager(BaseUserManager["User"]):
    """Creates users whose name is their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> "User":
        """Create a user; the address is kept in lower case."""
        user = self.model(email=email.lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> "User":
        """Create an operator, as `manage.py createsuperuser` asks."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)


class User(AbstractUser):
    """A person who signs in with an e-mail address."""

    username = None  # type: ignore[assignment]  # Django's documented way to drop the field
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(max_length=80, blank=True, db_default="")
    # One of settings.LANGUAGES; empty for what the browser asks for.
    language = models.CharField(max_length=10, blank=True, db_default="")
    # Whether a mail comes when a film that was asked for on the website is ready.
    mails_films = models.BooleanField(default=False, db_default=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()  # type: ignore[assignment,misc]  # stubs expect a username

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        """Return the name, or the address while there is none."""
        return self.name or self.email

    def get_short_name(self) -> str:
        """Return the name, or the part of the address before the @."""
        return self.name or self.email.split("@", 1)[0]


class Mode(models.TextChoices):
    """Whether what an account does is meant, or costs nothing and reaches nobody's books."""

    LIVE = "live", "live"
    TEST = "test", "test"


class Account(models.Model):
    """The customer: who pays, and who owns keys, uploads and videos.

    A live account may have a twin in test mode: see accounts.twins. The twin has no members of
    its own: who belongs to the live account belongs to both.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    mode = models.CharField(
        max_length=4, choices=Mode, default=Mode.LIVE, db_default=Mode.LIVE, editable=False
    )
    live = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, editable=False, related_name="twin"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    users = models.ManyToManyField(User, through="Membership", related_name="accounts")
    # What reached us by its payments, less what went back: its limits grow with it (config.limits).
    # Written by billing.ledger alone.
    paid_micros = models.BigIntegerField(default=0, editable=False)
    # When its last member deleted it, and when everything but its books was gone.
    closed_at = models.DateTimeField(null=True, editable=False)
    emptied_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(mode="live", live=None) | Q(mode="test", live__isnull=False),
                name="account_twin_is_in_test_mode",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (test mode)" if self.is_test else self.name

    @property
    def is_test(self) -> bool:
        """Whether it is the twin of a live account, for trying things out."""
        return self.mode == Mode.TEST

    @property
    def stamp(self) -> str:
        """What a page or form carries to say which account, in which mode, it was opened for."""
        return f"{self.mode}-{self.pk.hex[:12]}"

    @property
    def of_members(self) -> "Account":
        """The account whose members may use this one: itself, or a twin's live account."""
        return self.live or self


class Membership(models.Model):
    """A user's place in an account."""

    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        ADMIN = "admin", _("admin")
        MEMBER = "member", _("member")
        BILLING = "billing", _("billing")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    # When the user last switched to this account: the next sign-in opens it again.
    chosen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=["owner", "admin", "member", "billing"]),
                name="membership_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.account} as {self.role}"


class Scope(models.TextChoices):
    """What a key may do."""

    SUBMIT = "submit", _("make films")
    READ = "read", _("see films and prices")
    BILLING = "billing", _("see the balance and what was charged")


def all_scopes() -> list[str]:
    """Return what a key may do when nobody says otherwise."""
    return list(Scope.values)


class ApiKey(models.Model):
    """A program's way in. Only the digest of the secret is kept: see accounts.keys.

    After a change of secret the one before still opens the door until `previous_until`. The cap
    is kept by billing.caps. The mode is its account's: the database knows no other.
    """

    class Period(models.TextChoices):
        DAY = "day", _("a day")
        WEEK = "week", _("a week")
        MONTH = "month", _("a month")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    mode = models.CharField(max_length=4, choices=Mode, default=Mode.LIVE)
    prefix = models.CharField(max_length=20)
    digest = models.CharField(max_length=64, unique=True)
    previous_prefix = models.CharField(max_length=20, blank=True)
    previous_digest = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001  NULL for none, so that unique holds
    previous_until = models.DateTimeField(null=True, blank=True)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope), default=all_scopes)
    expires_at = models.DateTimeField(null=True, blank=True)
    # Networks such as 192.0.2.0/24; from anywhere when there are none.
    allowed_networks = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    cap_micros = models.BigIntegerField(null=True, blank=True)
    cap_period = models.CharField(max_length=5, choices=Period, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(mode__in=["live", "test"]), name="api_key_mode_known"
            ),
            models.CheckConstraint(
                condition=Q(scopes__contained_by=["submit", "read", "billing"])
                & Q(scopes__len__gt=0),
                name="api_key_scopes_known",
            ),
            models.CheckConstraint(
                condition=Q(cap_micros=None, cap_period="")
                | Q(
                    cap_micros__isnull=False,
                    cap_micros__gt=0,
                    cap_period__in=["day", "week", "month"],
                ),
                name="api_key_cap_has_period",
            ),
            models.CheckConstraint(
                condition=Q(previous_digest=None, previous_until=None, previous_prefix="")
                | Q(previous_digest__isnull=False, previous_until__isnull=False)
                & ~Q(previous_prefix=""),
                name="api_key_previous_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def last_day(self) -> date | None:
        """The last day, in UTC, on which it works."""
        return self.expires_at and (self.expires_at - timedelta(microseconds=1)).date()

    @property
    def is_expired(self) -> bool:
        """Whether its day has come."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_changing(self) -> bool:
        """Whether the secret before still works beside the new one."""
        return self.previous_until is not None and timezone.now() < self.previous_until


class RequestCount(models.Model):
    """How many requests a key has made in its latest minute: see accounts.rates.

    The table is UNLOGGED: a crash of the database empties it, and nobody minds.
    """

    key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, primary_key=True, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    minute = models.BigIntegerField()
    requests = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.key_id}: {self.requests}"


class Event(models.TextChoices):
    """What a customer's server can be told of."""

    COMPLETED = "generation.completed", _("a film is ready")
    FAILED = "generation.failed", _("a film failed")
    LOW_BALANCE = "balance.low", _("credit fell below an alert of yours")
    SPEND = "spend.reached", _("a month's spending passed an alert of yours")


class Signing(models.Model):
    """A secret that signs webhooks, sealed, and the one before it: see accounts.webhook_secrets."""

    secret = models.CharField(max_length=300)
    previous = models.CharField(max_length=300, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_changing(self) -> bool:
        """Whether the secret before still signs beside the new one."""
        return self.previous_until is not None and timezone.now() < self.previous_until


class AccountWebhookSecret(Signing):
    """Signs what goes to the address that a single request names."""

    account = models.OneToOneField(
        Account, on_delete=models.CASCADE, primary_key=True, related_name="webhook_secret"
    )

    def __str__(self) -> str:
        return f"webhook secret of {self.account_id}"


class WebhookEndpoint(Signing):
    """An address of the customer's that is told of the chosen events while it is switched on.

    `failing_since` is the first failure after which nothing got through. Written by
    accounts.webhooks alone.
    """

    class Reason(models.TextChoices):
        NONE = "", "on"
        OWNER = "owner", "switched off by you"
        GONE = "gone", "switched off: it answered 410, which means it is gone"
        FAILING = "failing", "switched off: it failed for days without one success"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2048)
    events = ArrayField(models.CharField(max_length=40, choices=Event))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(
        max_length=10, choices=Reason, default=Reason.NONE, blank=True
    )
    # When the customer was written to about it.
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("account", MD5("url"), name="webhook_address_once"),
            models.CheckConstraint(
                condition=Q(disabled_at__isnull=True, disabled_reason="")
                | Q(disabled_at__isnull=False) & ~Q(disabled_reason=""),
                name="webhook_off_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def is_on(self) -> bool:
        """Whether it is told of new events."""
        return self.disabled_at is None


class WebhookDelivery(models.Model):
    """One event on its way to one address. This row is the message; its body never changes.

    Without `endpoint` the address came with a request. Written by accounts.deliveries alone.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "on its way"
        DELIVERED = "delivered", "delivered"
        FAILED = "failed", "not delivered"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, null=True, related_name="deliveries"
    )
    url = models.CharField(max_length=2048)
    event_id = models.UUIDField(default=uuid.uuid4)
    event = models.CharField(max_length=40)
    # Deliveries about the same thing to the same address are sent one after another.
    subject = models.CharField(max_length=80)
    body = models.TextField()

    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    leased_by = models.UUIDField(null=True)
    last_status_code = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    tried_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "delivered", "failed"]),
                name="delivery_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="delivered", delivered_at__isnull=False)
                | ~Q(status="delivered") & Q(delivered_at__isnull=True),
                name="delivery_delivered_has_moment",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="pending"), name="delivery_due"),
            models.Index(
                fields=["subject", "id"], condition=Q(status="pending"), name="delivery_order"
            ),
            models.Index(fields=["account", "-id"], name="delivery_newest"),
            models.Index(fields=["created_at"], name="delivery_oldest"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.event_id} {self.status}"

    @property
    def message_id(self) -> str:
        """The `webhook-id` header: the same on every try, so that a receiver knows a repeat."""
        return f"msg_{self.event_id.hex}"
