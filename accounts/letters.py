"""Mail to people: to those of an account by their role, or to one address.

Every mail is plain text with the same words in HTML beside it.
"""

import logging
from collections.abc import Collection, Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.models import Account, User

READERS_MAX = 20

logger = logging.getLogger(__name__)


def send(account: Account, roles: Collection[str], start: str, **facts: object) -> None:
    """Write to those who have one of these roles in the account, or in a twin's, now.

    `start` names the templates {start}_subject.txt, {start}.txt and {start}.html, which are
    rendered with the facts. Raises OSError when the mail cannot be sent.
    """
    readers = _readers(account, roles)
    if not readers:
        return
    mark = "[Test mode] " if account.is_test else ""
    send_to(readers, start, mark=mark, **facts, account=account)


def send_to(readers: Sequence[str], start: str, *, mark: str = "", **facts: object) -> None:
    """Write to these addresses, all named in one mail; `mark` goes before the subject: see send."""
    context = {**facts, "public_url": settings.PUBLIC_URL}
    mail = EmailMultiAlternatives(
        subject=mark + " ".join(render_to_string(f"{start}_subject.txt", context).split()),
        body=render_to_string(f"{start}.txt", context),
        to=readers,
    )
    mail.attach_alternative(render_to_string(f"{start}.html", context), "text/html")
    mail.send()


def send_quietly(readers: Sequence[str], start: str, **facts: Any) -> None:
    """Do as send_to; a mail that cannot be sent is logged, and what it tells of has happened."""
    try:
        send_to(readers, start, **facts)
    except OSError:
        logger.exception("A mail about %s could not be sent.", start)


def _readers(account: Account, roles: Collection[str]) -> list[str]:
    people = User.objects.filter(
        is_active=True, memberships__account=account.of_members, memberships__role__in=roles
    )
    return list(people.order_by("id").values_list("email", flat=True)[:READERS_MAX])
