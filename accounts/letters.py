"""Mail to people: to those of an account by their role, or to one address.

Every mail is plain text with the same words in HTML beside it, in the language of its reader.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import language
from accounts.models import Account, User

READERS_MAX = 20
TEST_MARK = _("[Test mode] ")

logger = logging.getLogger(__name__)


def send(account: Account, roles: Collection[str], start: str, **facts: object) -> None:
    """Write to those who have one of these roles in the account, or in a twin's, now.

    `start` names the templates {start}_subject.txt, {start}.txt and {start}.html, which are
    rendered with the facts. Raises OSError when the mail cannot be sent.
    """
    mark = TEST_MARK if account.is_test else ""
    send_to(_readers(account, roles), start, mark=mark, **facts, account=account)


def send_to(
    readers: Sequence[str], start: str, *, mark: str | Promise = "", **facts: object
) -> None:
    """Write to these addresses; `mark` goes before the subject: see send.

    Those who read the same language are named in one mail.
    """
    mails = [
        _mail(addresses, spoken, start, mark, facts)
        for spoken, addresses in _by_language(readers).items()
    ]
    get_connection().send_messages(mails)


def send_quietly(readers: Sequence[str], start: str, **facts: Any) -> None:
    """Do as send_to; a mail that cannot be sent is logged, and what it tells of has happened."""
    try:
        send_to(readers, start, **facts)
    except OSError:
        logger.exception("A mail about %s could not be sent.", start)


def _mail(
    readers: list[str],
    spoken: str,
    start: str,
    mark: str | Promise,
    facts: Mapping[str, object],
) -> EmailMultiAlternatives:
    context = {**facts, "public_url": settings.PUBLIC_URL}
    with translation.override(spoken):
        subject = " ".join(render_to_string(f"{start}_subject.txt", context).split())
        mail = EmailMultiAlternatives(
            subject=f"{mark}{subject}", body=render_to_string(f"{start}.txt", context), to=readers
        )
        mail.attach_alternative(render_to_string(f"{start}.html", context), "text/html")
    return mail


def _by_language(readers: Sequence[str]) -> dict[str, list[str]]:
    """Return the addresses by the language that their users chose, ours where they chose none.

    Whom we do not know is written to in the language of who has us write: an invitation's sender,
    or somebody whose account is no more.
    """
    known = User.objects.filter(email__in=readers)
    chosen = {user.email: language.of_user(user) for user in known}
    now = translation.get_language() or language.ENGLISH
    by_language: dict[str, list[str]] = {}
    for reader in readers:
        by_language.setdefault(chosen.get(reader, now), []).append(reader)
    return by_language


def _readers(account: Account, roles: Collection[str]) -> list[str]:
    people = User.objects.filter(
        is_active=True, memberships__account=account.of_members, memberships__role__in=roles
    )
    return list(people.order_by("id").values_list("email", flat=True)[:READERS_MAX])
