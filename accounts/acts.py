"""What operators did, why, and what it changed: written down with the deed, and never altered."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone

from config import table_names

if TYPE_CHECKING:
    from accounts.models import User

REASON_LENGTH_MAX = 300


class OperatorAct(models.Model):
    """One deed of an operator's, about one thing. PostgreSQL refuses UPDATE and DELETE.

    What it is about is named, not referred to: the thing may go, the deed stays.
    """

    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=60)
    about_type = models.CharField(max_length=60)
    about_id = models.CharField(max_length=64)
    about_account = models.UUIDField("account", null=True)
    reason = models.CharField(max_length=REASON_LENGTH_MAX)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        app_label = "accounts"
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="operator_act_has_reason")
        ]
        indexes = [
            models.Index(fields=["about_type", "about_id"], name="operator_act_about"),
            models.Index(fields=["about_account", "-id"], name="operator_act_account"),
        ]
        permissions = [("stand_in", "Can sign in as a customer")]

    def __str__(self) -> str:
        return f"{self.what} {self.about_type} {self.about_id}"


def note(
    by: "User",
    what: str,
    about: models.Model,
    reason: str,
    *,
    account: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> OperatorAct:
    """Write a deed down; call it in the transaction of the deed, so that both are or neither is.

    `before` and `after` are plain values of what changed. Raises IntegrityError without a reason.
    """
    return OperatorAct.objects.create(
        by=by,
        what=what,
        about_type=table_names.label(about),
        about_id=str(about.pk),
        about_account=account,
        reason=reason.strip()[:REASON_LENGTH_MAX],
        before=dict(before or {}),
        after=dict(after or {}),
    )
