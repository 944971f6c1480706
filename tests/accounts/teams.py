"""What tests of teams share: a colleague, an invitation and the link in its mail."""

import re

from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client

from accounts import team
from accounts.access import Role
from accounts.models import Membership, User
from accounts.opening import open_account
from tests.cast import PASSWORD, Customer


def join(owner: Customer, name: str, role: str = Role.MEMBER) -> Membership:
    """Put somebody with an account of their own on the owner's team, and show it to them."""
    user = open_account(f"{name}@example.org", PASSWORD)
    return Membership.objects.create(account=owner.account, user=user, role=role)


def place(owner: Customer) -> Membership:
    """The owner's own place."""
    return Membership.objects.get(account=owner.account, user=owner.user)


def browser_of(user: User, account: object = None) -> Client:
    """A browser of the user's, which shows this account."""
    browser = Client()
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    if account is not None:
        browser.post("/account/switch", {"to": str(getattr(account, "pk", account))})
    return browser


def invite(owner: Customer, email: str, role: str = Role.MEMBER) -> None:
    """Invite an address."""
    team.invite(owner.account, email, role, by=owner.user)


def link_in(mail: EmailMessage) -> str:
    """The path of the invitation in a mail."""
    found = re.search(r"https?://[^/\s]+(/account/invitation/\S+)", str(mail.body))
    assert found is not None, mail.body
    return found[1]


def token_in(mail: EmailMessage) -> str:
    """What the invitation's link carries."""
    return link_in(mail).rpartition("/")[2]


def unconfirmed(email: str) -> User:
    """A user who has not confirmed this address."""
    user = User.objects.create_user(email, PASSWORD)
    EmailAddress.objects.create(user=user, email=email, verified=False, primary=True)
    return user
