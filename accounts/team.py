"""Who belongs to an account: invitations, roles, leaving, and what becomes of a leaver's keys.

A key does what its maker may do. So whoever leaves, or may do less from now on, takes the keys
along: see `_limit_keys`. Every change locks the account first, so that it always has an owner.
"""

import hashlib
import re
import secrets
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import letters
from accounts.access import MAKERS, OWNERS, Role, scopes_of
from accounts.invitation import Invitation
from accounts.models import Account, ApiKey, Membership, User

LINK_DAYS = 7
PEOPLE_MAX = 100
# What one account may have mailed to strangers: links at once, and mails a day.
OPEN_MAX = 50
MAILS_A_DAY_MAX = 100
RESEND_AFTER = timedelta(minutes=1)
INVITED_AS = (Role.ADMIN, Role.MEMBER, Role.BILLING)
NAME_LENGTH_MAX = 80
# A team's name stands in mails to strangers: it must not carry an advertisement's link.
LINK_IN_NAME = re.compile(r"://|www\.|[<>]", re.IGNORECASE)


class TeamRefused(ValueError):
    """What was asked for cannot be done; the sentence says why."""


class InvitationSpent(TeamRefused):
    """The link works no longer."""

    def __init__(self) -> None:
        sentence = _(
            "This invitation works no longer: it was used, taken back, or is more than %(days)s "
            "days old. Ask who invited you for a new one."
        )
        super().__init__(sentence % {"days": LINK_DAYS})


class OtherAddress(TeamRefused):
    """The invitation was mailed to an address that is not the user's."""

    def __init__(self, email: str) -> None:
        sentence = _(
            "This invitation is for %(email)s. Log in with that address, or add it to yours under "
            "E-mail and confirm it."
        )
        super().__init__(sentence % {"email": email})


def members(account: Account) -> QuerySet[Membership]:
    """Return who belongs to the account, those first who came first."""
    return account.of_members.memberships.select_related("user").order_by("id")


def open_invitations(account: Account) -> QuerySet[Invitation]:
    """Return the invitations that wait for an answer, the newest first, expired ones included."""
    waiting = account.of_members.invitations.filter(accepted_at=None, revoked_at=None)
    return waiting.select_related("invited_by").order_by("-id")


def keys_of(place: Membership) -> QuerySet[ApiKey]:
    """Return the keys that work and that this member made for the account, or for its twin."""
    of_account = Q(account=place.account_id) | Q(account__live=place.account_id)
    return ApiKey.objects.filter(of_account, created_by=place.user_id, revoked_at=None)


def rename(account: Account, name: str) -> None:
    """Give the account, and its twin, another name. Raises TeamRefused for one with a link."""
    if LINK_IN_NAME.search(name):
        raise TeamRefused(_("A name has no links or angle brackets in it."))
    live = account.of_members
    Account.objects.filter(Q(pk=live.pk) | Q(live=live)).update(name=name)


def invite(account: Account, email: str, role: str, *, by: User) -> Invitation:
    """Mail an invitation; one that waits at this address is replaced. Raises TeamRefused.

    The answer is the same whether or not the address belongs to a customer.
    """
    assert role in INVITED_AS, role
    live, email = account.of_members, email.lower()
    with transaction.atomic():
        _lock(live)
        if live.memberships.filter(user__email__iexact=email).exists():
            raise TeamRefused(_("%(email)s is on your team already.") % {"email": email})
        _make_room(live, email)
        open_invitations(live).filter(email__iexact=email).update(revoked_at=timezone.now())
        invitation = Invitation(account=live, email=email, role=role, invited_by=by)
        token = _new_link(invitation)
    _mail(invitation, token)
    return invitation


def resend(invitation: Invitation) -> None:
    """Mail an open invitation again, with a new link; the old link ends. Raises TeamRefused."""
    with transaction.atomic():
        _lock(invitation.account)
        current = open_invitations(invitation.account).filter(pk=invitation.pk).first()
        if current is None:
            raise InvitationSpent
        if timezone.now() < current.sent_at + RESEND_AFTER:
            raise TeamRefused(_("We sent it a moment ago. Wait a minute before the next."))
        _check_mails(current.account)
        token = _new_link(current)
    _mail(current, token)


def revoke(invitation: Invitation) -> None:
    """Take an open invitation back: its link works no longer."""
    waiting = open_invitations(invitation.account).filter(pk=invitation.pk)
    waiting.update(revoked_at=timezone.now())


def read(token: str) -> Invitation:
    """Return the invitation that a link is about. Raises InvitationSpent."""
    waiting = Invitation.objects.filter(
        digest=_digest(token),
        accepted_at=None,
        revoked_at=None,
        expires_at__gt=timezone.now(),
        account__closed_at=None,
    )
    found = waiting.select_related("account", "invited_by").first()
    if found is None:
        raise InvitationSpent
    return found


def accept(token: str, user: User) -> Membership:
    """Let the user in whose confirmed address was invited, once; return the new place.

    Raises InvitationSpent, OtherAddress, and TeamRefused for a team that is full.
    """
    account = read(token).account
    with transaction.atomic():
        _lock(account)
        # Nobody else accepts or revokes it now.
        invitation = read(token)
        if not is_for(invitation, user):
            raise OtherAddress(invitation.email)
        if account.memberships.count() >= PEOPLE_MAX:
            full = _("This team is full: it has %(number)s people.")
            raise TeamRefused(full % {"number": PEOPLE_MAX})
        Invitation.objects.filter(pk=invitation.pk).update(accepted_at=timezone.now())
        return Membership.objects.get_or_create(
            account=account, user=user, defaults={"role": invitation.role}
        )[0]


def is_for(invitation: Invitation, user: User) -> bool:
    """Tell whether the invited address is one of the user's confirmed ones."""
    return EmailAddress.objects.filter(
        user=user, email__iexact=invitation.email, verified=True
    ).exists()


def change_role(place: Membership, role: str, *, by: Membership) -> None:
    """Give a member another role, and limit the member's keys to it. Raises TeamRefused."""
    assert role in INVITED_AS, role
    with transaction.atomic():
        current = _to_change(place, by)
        current.role = role
        current.save(update_fields=["role"])
        _limit_keys(current, role)


def remove(place: Membership, *, by: Membership) -> None:
    """Take a member off the team; the member's keys are revoked at once. Raises TeamRefused."""
    with transaction.atomic():
        _end(_to_change(place, by))


def leave(place: Membership) -> None:
    """End one's own membership, and one's keys. Raises TeamRefused for the last owner."""
    with transaction.atomic():
        current = _locked(place)
        others = Membership.objects.filter(account=current.account_id).exclude(pk=current.pk)
        if current.role in OWNERS and not others.filter(role__in=OWNERS).exists():
            raise TeamRefused(
                _(
                    "You are the only owner. Hand the account over first, or delete it from your "
                    "profile."
                )
            )
        _end(current)


def hand_over(place: Membership, *, by: Membership) -> None:
    """Make a member the owner and the owner an admin, together. Raises TeamRefused."""
    with transaction.atomic():
        giver, taker = _locked(by), _locked(place)
        if giver.role not in OWNERS or giver.pk == taker.pk:
            raise TeamRefused(_("Only an owner can hand the account over, and to somebody else."))
        taker.role, giver.role = Role.OWNER, Role.ADMIN
        taker.save(update_fields=["role"])
        giver.save(update_fields=["role"])


def _to_change(place: Membership, by: Membership) -> Membership:
    """Return a member, locked, whom this manager may change. Raises TeamRefused."""
    changer, current = _locked(by), _locked(place)
    if current.pk == changer.pk:
        raise TeamRefused(_("You cannot change your own place. Leave the team, or hand it over."))
    if changer.role not in OWNERS and (changer.role != Role.ADMIN or current.role in OWNERS):
        raise TeamRefused(_("Only an owner may change an owner, and only an admin anybody else."))
    return current


def _locked(place: Membership) -> Membership:
    _lock(Account(pk=place.account_id))
    current = Membership.objects.filter(pk=place.pk, account=place.account_id).first()
    if current is None:
        raise TeamRefused(_("This person is not on the team any more."))
    return current


def _lock(account: Account) -> None:
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def _end(place: Membership) -> None:
    _limit_keys(place, "")
    # Whom a leaver has asked in comes in no more.
    sent = open_invitations(place.account).filter(invited_by=place.user_id)
    sent.update(revoked_at=timezone.now())
    place.delete()


def _limit_keys(place: Membership, role: str) -> None:
    """Revoke or narrow a member's keys to what a role may do; "" is nobody's role."""
    allowed = scopes_of(role) if role in MAKERS else []
    # The locks of a key's own changes: nobody widens it meanwhile.
    for key in keys_of(place).select_for_update(of=("self",)):
        kept = [scope for scope in key.scopes if scope in allowed]
        if not kept:
            key.revoked_at = timezone.now()
        else:
            key.scopes = kept
        key.save(update_fields=["revoked_at", "scopes"])


def _make_room(account: Account, email: str) -> None:
    waiting = open_invitations(account).exclude(email__iexact=email).count()
    if waiting >= OPEN_MAX:
        many = _("%(number)s invitations wait for an answer. Take some back first.")
        raise TeamRefused(many % {"number": OPEN_MAX})
    if account.memberships.count() >= PEOPLE_MAX:
        full = _("A team has at most %(number)s people.")
        raise TeamRefused(full % {"number": PEOPLE_MAX})
    _check_mails(account)


def _check_mails(account: Account) -> None:
    day_ago = timezone.now() - timedelta(days=1)
    if account.invitations.filter(sent_at__gt=day_ago).count() >= MAILS_A_DAY_MAX:
        raise TeamRefused(_("That were many invitations for one day. Go on tomorrow."))


def _new_link(invitation: Invitation) -> str:
    """Save the invitation with a new link; return what the link carries."""
    token = secrets.token_urlsafe(32)
    invitation.digest = _digest(token)
    invitation.sent_at = timezone.now()
    invitation.expires_at = invitation.sent_at + timedelta(days=LINK_DAYS)
    invitation.save()
    return token


def _mail(invitation: Invitation, token: str) -> None:
    facts: dict[str, Any] = {"invitation": invitation, "token": token, "days": LINK_DAYS}
    try:
        letters.send_to([invitation.email], "accounts/mail/invitation", **facts)
    except OSError as error:
        raise TeamRefused(
            _("The mail could not be sent. The invitation waits below: send it again soon.")
        ) from error


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
