"""Mail to the people of an account: who gets it depends on their role."""

from collections.abc import Collection

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.models import Account, User

READERS_MAX = 20


def send(account: Account, roles: Collection[str], start: str, **facts: object) -> None:
    """Write to those who have one of these roles in the account, now.

    `start` names the templates {start}_subject.txt, {start}.txt and {start}.html, which are
    rendered with the facts. Raises OSError when the mail cannot be sent.
    """
    readers = _readers(account, roles)
    if not readers:
        return
    context = {**facts, "account": account, "public_url": settings.PUBLIC_URL}
    mail = EmailMultiAlternatives(
        subject=" ".join(render_to_string(f"{start}_subject.txt", context).split()),
        body=render_to_string(f"{start}.txt", context),
        to=readers,
    )
    mail.attach_alternative(render_to_string(f"{start}.html", context), "text/html")
    mail.send()


def _readers(account: Account, roles: Collection[str]) -> list[str]:
    people = User.objects.filter(
        is_active=True, memberships__account=account, memberships__role__in=roles
    )
    return list(people.order_by("id").values_list("email", flat=True)[:READERS_MAX])
