"""Opening accounts: every user has one, whichever way the user came."""

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import F

from accounts.models import Account, Membership, User


def account_of(user: User) -> Account:
    """Return the account the user works in, opening one on the first call: see places_of."""
    return places_of(user)[0].account


def places_of(user: User) -> list[Membership]:
    """Return the user's places in accounts, the one chosen last first; at least one.

    A user who came by sign-up, by the command line or by the admin is treated alike, and two
    first requests at the same moment open one account, not two.
    """
    if places := _known_places(user):
        return places
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        return _known_places(user) or [_open(user)]


def open_account(email: str, password: str | None = None, *, staff: bool = False) -> User:
    """Return the user of this address with a confirmed e-mail and an account.

    Calling it again for a known address confirms it, sets the password when one is given, and
    makes the user an operator when asked.
    """
    with transaction.atomic():
        user, created = User.objects.get_or_create(
            email__iexact=email, defaults={"email": email.lower()}
        )
        if created or password is not None:
            user.set_password(password)
            user.save(update_fields=["password"])
        if staff:
            user.is_staff = user.is_superuser = True
            user.save(update_fields=["is_staff", "is_superuser"])
        EmailAddress.objects.update_or_create(
            user=user, email=user.email, defaults={"verified": True, "primary": True}
        )
        account_of(user)
    return user


def _known_places(user: User) -> list[Membership]:
    latest = F("chosen_at").desc(nulls_last=True)
    return list(user.memberships.select_related("account").order_by(latest, "id"))


def _open(user: User) -> Membership:
    account = Account.objects.create(name=user.email)
    return Membership.objects.create(account=account, user=user, role=Membership.Role.OWNER)
