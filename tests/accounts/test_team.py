"""Teams: invitations, roles, leaving, and what becomes of a leaver's keys."""

from datetime import timedelta
from functools import partial

import pytest
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import keys, team, twins
from accounts.access import Role
from accounts.invitation import Invitation
from accounts.models import Account, ApiKey, Membership, Scope
from accounts.opening import account_of, open_account
from tests.accounts.teams import invite, join, place, token_in, unconfirmed
from tests.billing.races import together
from tests.cast import PASSWORD, Customer

DORA = "dora@example.org"


def test_an_invitation_is_mailed_and_its_link_kept_as_a_digest(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    invite(alice, "Dora@Example.org", Role.BILLING)
    (mail,) = mailoutbox
    assert mail.to == [DORA]
    assert mail.subject == "You are invited to join alice@example.org on Gallop"
    kept = Invitation.objects.get()
    assert (kept.email, kept.role, kept.invited_by) == (DORA, Role.BILLING, alice.user)
    token = token_in(mail)
    assert len(token) >= 40
    assert token not in str(Invitation.objects.values().get())


@pytest.mark.parametrize("known", [True, False])
def test_it_lets_a_new_and_a_known_user_in_once(
    alice: Customer, mailoutbox: list[EmailMessage], known: bool
) -> None:
    if known:
        open_account(DORA, PASSWORD)
    invite(alice, DORA, Role.ADMIN)
    user = open_account(DORA, PASSWORD)
    token = token_in(mailoutbox[0])
    place = team.accept(token, user)
    assert (place.account, place.role) == (alice.account, Role.ADMIN)
    assert user.memberships.count() == 2, "their own account stays"
    with pytest.raises(team.InvitationSpent):
        team.accept(token, user)


def test_two_presses_at_one_moment_let_in_once(
    transactional_db: None, alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    invite(alice, DORA)
    user, token = open_account(DORA, PASSWORD), token_in(mailoutbox[0])

    def press() -> str:
        try:
            return team.accept(token, user).role
        except team.InvitationSpent:
            return "spent"

    assert sorted(map(str, together([press] * 4))) == ["member", "spent", "spent", "spent"]
    assert alice.account.memberships.count() == 2


def test_it_expires_after_seven_days(alice: Customer, mailoutbox: list[EmailMessage]) -> None:
    invite(alice, DORA)
    user, token = open_account(DORA, PASSWORD), token_in(mailoutbox[0])
    left = Invitation.objects.get().expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    Invitation.objects.update(expires_at=timezone.now())
    with pytest.raises(team.InvitationSpent):
        team.accept(token, user)


def test_it_is_of_no_use_to_another_address(
    alice: Customer, charlie: Customer, mailoutbox: list[EmailMessage]
) -> None:
    invite(alice, DORA)
    with pytest.raises(team.OtherAddress):
        team.accept(token_in(mailoutbox[0]), charlie.user)
    assert not charlie.user.memberships.filter(account=alice.account).exists()


def test_an_address_that_was_not_confirmed_is_not_ones_own(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    invite(alice, DORA)
    with pytest.raises(team.OtherAddress):
        team.accept(token_in(mailoutbox[0]), unconfirmed(DORA))


def test_sending_again_ends_the_old_link(alice: Customer, mailoutbox: list[EmailMessage]) -> None:
    invite(alice, DORA)
    Invitation.objects.update(sent_at=timezone.now() - timedelta(minutes=2))
    team.resend(Invitation.objects.get())
    old, new = (token_in(mail) for mail in mailoutbox)
    with pytest.raises(team.InvitationSpent):
        team.read(old)
    assert team.read(new).email == DORA


def test_sending_again_at_once_is_refused(alice: Customer, mailoutbox: list[EmailMessage]) -> None:
    invite(alice, DORA)
    with pytest.raises(team.TeamRefused, match="Wait a minute"):
        team.resend(Invitation.objects.get())
    assert len(mailoutbox) == 1


def test_inviting_again_replaces_what_waits(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    invite(alice, DORA, Role.ADMIN)
    invite(alice, DORA, Role.MEMBER)
    assert [one.role for one in team.open_invitations(alice.account)] == [Role.MEMBER]
    with pytest.raises(team.InvitationSpent):
        team.read(token_in(mailoutbox[0]))


def test_what_was_taken_back_lets_nobody_in(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    invite(alice, DORA)
    team.revoke(Invitation.objects.get())
    with pytest.raises(team.InvitationSpent):
        team.read(token_in(mailoutbox[0]))


def test_who_is_there_already_is_not_invited(alice: Customer) -> None:
    join(alice, "dora")
    with pytest.raises(team.TeamRefused, match="already"):
        invite(alice, "DORA@example.org")


def test_a_flood_of_invitations_is_stopped(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "OPEN_MAX", 2)
    invite(alice, "one@example.org")
    invite(alice, "two@example.org")
    with pytest.raises(team.TeamRefused, match="2 invitations wait"):
        invite(alice, "three@example.org")
    monkeypatch.setattr(team, "MAILS_A_DAY_MAX", 2)
    with pytest.raises(team.TeamRefused, match="tomorrow"):
        invite(alice, "two@example.org")


def test_a_full_team_takes_nobody_in(
    alice: Customer, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    invite(alice, DORA)
    monkeypatch.setattr(team, "PEOPLE_MAX", 1)
    with pytest.raises(team.TeamRefused, match="full"):
        team.accept(token_in(mailoutbox[0]), open_account(DORA, PASSWORD))
    assert Invitation.objects.get().accepted_at is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [{"role": "owner"}, {"accepted_at": timezone.now(), "revoked_at": timezone.now()}],
)
def test_the_database_refuses_what_makes_no_sense(
    alice: Customer, changes: dict[str, object]
) -> None:
    invite(alice, DORA)
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.update(**changes)


def test_two_open_invitations_of_one_address_cannot_be_kept(alice: Customer) -> None:
    invite(alice, DORA)
    again = Invitation(account=alice.account, email="DORA@example.org", role="member", digest="x")
    again.expires_at = timezone.now()
    with pytest.raises(IntegrityError, match="invitation_open_once"), transaction.atomic():
        again.save()


# Roles, and keys that follow them.


def key_of(place: Membership, account: Account | None = None) -> tuple[ApiKey, str]:
    return keys.issue(account or place.account, place.user, "theirs")


def test_a_removed_members_keys_work_no_longer(alice: Customer) -> None:
    dora = join(alice, "dora")
    twin = twins.twin_of(alice.account)
    secrets = [key_of(dora)[1], key_of(dora, twin)[1]]
    own = keys.issue(account_of(dora.user), dora.user, "her own")[1]
    team.remove(dora, by=place(alice))
    assert [keys.find(secret) for secret in secrets] == [None, None]
    assert keys.find(own) is not None, "her own account is hers"
    assert keys.find(alice.secret) is not None
    assert not alice.account.memberships.filter(user=dora.user).exists()


def test_who_is_off_the_team_makes_no_key_at_the_last_moment(alice: Customer) -> None:
    dora = join(alice, "dora")
    twin = twins.twin_of(alice.account)
    team.remove(dora, by=place(alice))
    # The page had let her in a moment before.
    for account in (alice.account, twin):
        with pytest.raises(keys.NotAMember):
            keys.issue(account, dora.user, "one more")


def test_whom_a_removed_admin_invited_comes_in_no_more(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    dora = join(alice, "dora", Role.ADMIN)
    team.invite(alice.account, "eve@example.org", Role.ADMIN, by=dora.user)
    team.remove(dora, by=place(alice))
    with pytest.raises(team.InvitationSpent):
        team.accept(token_in(mailoutbox[0]), open_account("eve@example.org", PASSWORD))


def test_who_leaves_takes_the_keys_along(alice: Customer) -> None:
    dora = join(alice, "dora", Role.ADMIN)
    _, secret = key_of(dora)
    team.leave(dora)
    assert keys.find(secret) is None


def test_the_last_owner_cannot_leave(alice: Customer) -> None:
    join(alice, "dora", Role.ADMIN)
    with pytest.raises(team.TeamRefused, match="only owner"):
        team.leave(place(alice))


def test_two_owners_cannot_both_leave(transactional_db: None, alice: Customer) -> None:
    dora = join(alice, "dora", Role.OWNER)

    def go(who: Membership) -> str:
        try:
            team.leave(who)
        except team.TeamRefused:
            return "stays"
        return "left"

    both = together([partial(go, place(alice)), partial(go, dora)])
    assert sorted(map(str, both)) == ["left", "stays"]
    assert alice.account.memberships.get().role == Role.OWNER


def test_a_smaller_role_narrows_the_keys(alice: Customer) -> None:
    dora = join(alice, "dora", Role.ADMIN)
    wide, _ = key_of(dora)
    money, _ = keys.issue(
        alice.account, dora.user, "books", rules=keys.Rules(scopes=[Scope.BILLING])
    )
    team.change_role(dora, Role.MEMBER, by=place(alice))
    wide.refresh_from_db()
    money.refresh_from_db()
    assert (wide.scopes, wide.revoked_at) == ([Scope.SUBMIT, Scope.READ], None)
    assert money.revoked_at is not None


def test_the_billing_role_has_no_keys(alice: Customer) -> None:
    dora = join(alice, "dora")
    _, secret = key_of(dora)
    team.change_role(dora, Role.BILLING, by=place(alice))
    assert keys.find(secret) is None


def test_handing_over_swaps_owner_and_admin(alice: Customer) -> None:
    dora = join(alice, "dora")
    team.hand_over(dora, by=place(alice))
    roles = {one.user.email: one.role for one in team.members(alice.account)}
    assert roles == {"alice@example.org": Role.ADMIN, DORA: Role.OWNER}


def test_only_an_owner_hands_over(alice: Customer) -> None:
    dora, eve = join(alice, "dora", Role.ADMIN), join(alice, "eve")
    with pytest.raises(team.TeamRefused):
        team.hand_over(eve, by=dora)
    with pytest.raises(team.TeamRefused):
        team.hand_over(place(alice), by=place(alice))


def test_an_admin_changes_everybody_but_an_owner(alice: Customer) -> None:
    dora, eve = join(alice, "dora", Role.ADMIN), join(alice, "eve", Role.ADMIN)
    for change in (team.remove, partial(team.change_role, role=Role.MEMBER)):
        with pytest.raises(team.TeamRefused, match="owner"):
            change(place(alice), by=dora)
    team.change_role(eve, Role.MEMBER, by=dora)
    team.remove(eve, by=dora)
    assert alice.account.memberships.count() == 2


@pytest.mark.parametrize("role", [Role.MEMBER, Role.BILLING])
def test_who_was_just_made_smaller_changes_nobody(alice: Customer, role: str) -> None:
    dora, eve = join(alice, "dora", Role.ADMIN), join(alice, "eve")
    team.change_role(dora, role, by=place(alice))
    # What the page knew of her is a moment old.
    with pytest.raises(team.TeamRefused):
        team.remove(eve, by=dora)


def test_nobody_changes_their_own_place(alice: Customer) -> None:
    join(alice, "dora", Role.OWNER)
    with pytest.raises(team.TeamRefused, match="own place"):
        team.change_role(place(alice), Role.MEMBER, by=place(alice))


@pytest.mark.parametrize("name", ["Buy https://evil.example", "www.evil.example", "<b>Team</b>"])
def test_a_name_that_advertises_is_refused(alice: Customer, name: str) -> None:
    with pytest.raises(team.TeamRefused):
        team.rename(alice.account, name)


def test_a_new_name_is_the_twins_too(alice: Customer) -> None:
    twin = twins.twin_of(alice.account)
    team.rename(twin, "Studio Four")
    assert set(Account.objects.values_list("name", flat=True)) == {"Studio Four"}
