"""Deleting a user, and with the last member the account: what goes, and what the law keeps.

What opens doors goes at once, in one transaction: sign-ins, keys, webhooks, top-ups, names and
addresses. Films, pictures and prompts may be many, so a task removes them afterwards, batch by
batch, until nothing is left but the books: ledger, purchases, and what each job cost.
"""

from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import team
from accounts.access import OWNERS
from accounts.models import (
    Account,
    AccountWebhookSecret,
    ApiKey,
    Membership,
    User,
    WebhookDelivery,
    WebhookEndpoint,
)
from billing import topup_rule
from billing.models import Alert
from generations import disposal, lifecycle
from generations.models import Generation, KeptAnswer, Upload

NAME = "deleted account"
BATCH = 200
SOCIAL = "socialaccount"

# What a film's price was made of stays with the books; the rest of what was asked for goes.
_SCRUB = """
UPDATE generations_generation
SET inputs = jsonb_strip_nulls(jsonb_build_object(
        'duration', inputs->'duration', 'resolution', inputs->'resolution')),
    title = '', webhook = '', upstream_image = ''
WHERE id IN (
    SELECT id FROM generations_generation
    WHERE account_id = %(account)s AND deleted_at IS NOT NULL
      AND (inputs - '{duration,resolution}'::text[] <> '{}'::jsonb
           OR title <> '' OR webhook <> '' OR upstream_image <> '')
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""


class DeletionRefused(ValueError):
    """The user cannot be deleted now; the sentence says what to do first."""


def accounts_closing_with(user: User) -> list[Account]:
    """Return the accounts that nobody is left in when the user goes.

    Raises DeletionRefused for one that would be left without an owner, and for operators.
    """
    if user.is_staff or user.is_superuser:
        raise DeletionRefused(_("You are an operator. Have another operator take that away first."))
    closing = []
    for place in user.memberships.select_related("account").order_by("id"):
        others = place.account.memberships.exclude(pk=place.pk)
        if not others.exists():
            closing.append(place.account)
        elif place.role in OWNERS and not others.filter(role__in=OWNERS).exists():
            sentence = _(
                "You are the only owner of %(account)s, and others work there. Hand it over or "
                "remove them first."
            )
            raise DeletionRefused(sentence % {"account": place.account})
    return closing


def delete_user(user: User) -> None:
    """Delete a user, and the accounts that nobody is left in. Raises DeletionRefused."""
    now = timezone.now()
    with transaction.atomic():
        # In the order of team's locks, so that nobody joins or leaves meanwhile.
        ids = user.memberships.order_by("account_id").values_list("account_id", flat=True)
        list(Account.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
        for account in accounts_closing_with(user):
            _close(account, now)
        for place in Membership.objects.filter(user=user).order_by("id"):
            team.leave(place) if place.account.closed_at is None else place.delete()
        _forget(user)


def end_closed(limit: int = BATCH) -> int:
    """Remove up to `limit` jobs and pictures of closed accounts; return how many.

    A job that still runs is finished or fails first, and is charged as ever.
    """
    removed = 0
    waiting = Account.objects.filter(closed_at__isnull=False, emptied_at=None)
    for account in waiting.order_by("closed_at", "id"):
        if removed >= limit:
            break
        done = _empty(account, limit - removed)
        removed += done
        running = Generation.objects.unfinished().filter(account=account)
        if not done and not running.exists():
            Account.objects.filter(pk=account.pk).update(emptied_at=timezone.now())
    return removed


def _close(account: Account, now: datetime) -> None:
    """End everything that acts for an account and its twin, and take their names away."""
    both = Q(pk=account.pk) | Q(live=account)
    found = list(Account.objects.filter(both))
    for one in found:
        topup_rule.turn_off(one)
    of_them = {"account__in": found}
    ApiKey.objects.filter(**of_them, revoked_at=None).update(revoked_at=now)
    ApiKey.objects.filter(**of_them).update(name=NAME, allowed_networks=[])
    for table in (Alert, WebhookDelivery, WebhookEndpoint, AccountWebhookSecret, KeptAnswer):
        table.objects.filter(**of_them).delete()
    account.invitations.all().delete()
    Account.objects.filter(both).update(closed_at=now, name=NAME)


def _forget(user: User) -> None:
    """Take away every way in, and everything that says who it was; the number stays."""
    for table in (EmailAddress, Authenticator):
        table.objects.filter(user=user).delete()
    sessions = UserSession.objects.filter(user=user)
    Session.objects.filter(session_key__in=sessions.values("session_key")).delete()
    sessions.delete()
    if apps.is_installed(f"allauth.{SOCIAL}"):
        connected: Any = apps.get_model(SOCIAL, "SocialAccount")
        connected.objects.filter(user=user).delete()
    # With a new password that nobody knows, sessions that were not listed end too.
    user.set_unusable_password()
    user.email, user.name, user.language = f"deleted-{user.pk}@deleted.invalid", "", ""
    user.is_active = user.mails_films = False
    user.save(update_fields=["password", "email", "name", "language", "is_active", "mails_films"])


def _empty(account: Account, limit: int) -> int:
    """Remove up to `limit` things of a closed account; return how many, 0 when nothing is left."""
    left = Generation.objects.filter(account=account, deleted_at=None)
    for job in left.filter(status=Generation.Status.CREATED)[:limit]:
        lifecycle.cancel(job)
    ended = left.exclude(status__in=Generation.UNFINISHED).order_by("created_at", "id")
    jobs = [job for job in ended[:limit] if disposal.delete_generation(job)]
    return len(jobs) or _drop_pictures(account, limit) or _scrub(account, limit)


def _drop_pictures(account: Account, limit: int) -> int:
    """Let pictures go that no job needs any more; those of deleted jobs went with them."""
    with transaction.atomic():
        named = Upload.objects.filter(account=account).exclude(file="", filename="")
        running = Generation.objects.filter(account=account, deleted_at=None)
        unused = named.exclude(pk__in=running.exclude(upload=None).values("upload"))
        batch = list(unused.order_by("created_at", "id")[:limit])
        disposal.discard(upload.file for upload in batch)
        Upload.objects.filter(pk__in=[upload.pk for upload in batch]).update(file="", filename="")
    return len(batch)


def _scrub(account: Account, limit: int) -> int:
    """Keep of deleted jobs only what their prices were made of."""
    with connection.cursor() as cursor:
        cursor.execute(_SCRUB, {"account": account.pk, "limit": limit})
        return int(cursor.rowcount)
