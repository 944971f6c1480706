"""Word about money, to the operator and to customers; sent after the commit, never before."""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mail_admins
from django.db import transaction
from django.template.loader import render_to_string

from accounts.models import Account, Membership, User

# Who hears about an account's money.
ROLES = (Membership.Role.OWNER, Membership.Role.ADMIN, Membership.Role.BILLING)
READERS_MAX = 20


def tell_operator(subject: str, text: str) -> None:
    """Mail the operator once the surrounding transaction is committed."""
    transaction.on_commit(lambda: mail_admins(subject, text, fail_silently=True))


def tell_customer(account: Account, story: str, **facts: object) -> None:
    """Reach the customer once the surrounding transaction is committed.

    A mail server that does not answer is logged and undoes nothing.
    """
    transaction.on_commit(lambda: reach(account, story, **facts), robust=True)


def reach(account: Account, story: str, **facts: object) -> None:
    """Tell those who look after an account's money, now: the one way to a customer.

    `story` names templates/billing/mail/{story}_subject.txt, {story}.txt and {story}.html,
    which are rendered with the facts. Raises OSError when the mail cannot be sent.
    """
    readers = _readers(account)
    if not readers:
        return
    context = {**facts, "account": account, "public_url": settings.PUBLIC_URL}
    start = f"billing/mail/{story}"
    mail = EmailMultiAlternatives(
        subject=" ".join(render_to_string(f"{start}_subject.txt", context).split()),
        body=render_to_string(f"{start}.txt", context),
        to=readers,
    )
    mail.attach_alternative(render_to_string(f"{start}.html", context), "text/html")
    mail.send()


def _readers(account: Account) -> list[str]:
    people = User.objects.filter(
        is_active=True, memberships__account=account, memberships__role__in=ROLES
    )
    return list(people.order_by("id").values_list("email", flat=True)[:READERS_MAX])
