"""Opening accounts: every user has one, whichever way the user came."""

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import Account, Membership, User


def account_of(user: User) -> Account:
    """Return the account the user works in, opening one on the first call.

    A user who came by sign-up, by the command line or by the admin is treated alike, and two
    first requests at the same moment open one account, not two.
    """
    membership = _first_membership(user)
    if membership is None:
        with transaction.atomic():
            User.objects.select_for_update().get(pk=user.pk)
            membership = _first_membership(user) or _open(user)
    return membership.account


def open_account(email: str, password: str | None = None, *, staff: bool = False) -> User:
    """Return the user of this address with a confirmed e-mail and an account.

    Calling it again for a known address confirms it and sets the password when one is given.
    """
    with transaction.atomic():
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            user = User.objects.create_user(email, password, is_staff=staff, is_superuser=staff)
        elif password is not None:
            user.set_password(password)
            user.save(update_fields=["password"])
        EmailAddress.objects.update_or_create(
            user=user, email=user.email, defaults={"verified": True, "primary": True}
        )
        account_of(user)
    return user


def _first_membership(user: User) -> Membership | None:
    return user.memberships.select_related("account").order_by("id").first()


def _open(user: User) -> Membership:
    account = Account.objects.create(name=user.email)
    return Membership.objects.create(account=account, user=user, role=Membership.Role.OWNER)
