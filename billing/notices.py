"""Word about money, to the operator and to customers; sent after the commit, never before."""

from django.core.mail import mail_admins
from django.db import transaction

from accounts import letters
from accounts.models import Account, Membership

# Who hears about an account's money.
ROLES = (Membership.Role.OWNER, Membership.Role.ADMIN, Membership.Role.BILLING)


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
    letters.send(account, ROLES, f"billing/mail/{story}", **facts)
