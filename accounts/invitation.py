"""An invitation into a team, as the database keeps it: see accounts.team."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

ROLE_WORDS = {
    "admin": gettext_noop("as an admin"),
    "member": gettext_noop("as a member"),
    "billing": gettext_noop("to look after the money"),
}


class Invitation(models.Model):
    """One address is asked into one account. Only the digest of the mailed token is kept.

    It is open until it was accepted, revoked or too old; a new one replaces an old one.
    """

    account = models.ForeignKey(
        "accounts.Account", on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.EmailField()
    role = models.CharField(max_length=10)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # The last mail, and until when its link works.
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=["admin", "member", "billing"]), name="invitation_role_known"
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(revoked_at=None), name="invitation_ends_once"
            ),
            models.UniqueConstraint(
                "account",
                Lower("email"),
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} into {self.account_id} as {self.role}"

    @property
    def is_expired(self) -> bool:
        """Whether the link of the last mail works no longer."""
        return self.expires_at <= timezone.now()

    @property
    def role_words(self) -> str:
        """What the invited person would be there, as a mail says it."""
        return gettext(ROLE_WORDS[self.role])
