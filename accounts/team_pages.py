"""The pages of a team: who belongs to it and as what, invitations, and the way between accounts.

Everybody in an account sees who else is; owners and admins decide.
"""

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import team
from accounts.access import (
    CHOSEN,
    EVERYBODY,
    MANAGERS,
    OWNERS,
    PAYERS,
    Role,
    may_manage,
    only,
    place_shown,
    places_shown,
    user_of,
    with_account,
    with_managed_account,
)
from accounts.invitation import Invitation
from accounts.models import Account, Membership, User
from accounts.team_forms import InviteForm, NameForm, RoleForm

# What each role may do, as the page says it; "own" is what one has made oneself.
RIGHTS: list[tuple[str | Promise, dict[Role, str]]] = [
    (
        gettext_lazy("Make films and see all of them"),
        dict.fromkeys([*MANAGERS, Role.MEMBER], "yes"),
    ),
    (
        gettext_lazy("Make API keys, and change and revoke them"),
        {Role.OWNER: "yes", Role.ADMIN: "yes", Role.MEMBER: "own"},
    ),
    (
        gettext_lazy("Buy credit, statement, receipts, alerts, top-ups"),
        dict.fromkeys(PAYERS, "yes"),
    ),
    (gettext_lazy("See what was used"), dict.fromkeys(EVERYBODY, "yes")),
    (gettext_lazy("Webhooks and their secrets"), dict.fromkeys(MANAGERS, "yes")),
    (gettext_lazy("Invite and remove people, change roles"), dict.fromkeys(MANAGERS, "yes")),
    (
        gettext_lazy("Change or remove an owner, hand the account over"),
        dict.fromkeys(OWNERS, "yes"),
    ),
    (gettext_lazy("Delete the account"), dict.fromkeys(OWNERS, "yes")),
]


@never_cache
@with_account
def team_page(request: HttpRequest, account: Account) -> HttpResponse:
    """Show who belongs to the account, who was invited, and what each role may do."""
    return _show(request, account)


@require_POST
@with_managed_account
def team_rename(request: HttpRequest, account: Account) -> HttpResponse:
    """Give the account another name."""
    form = NameForm(request.POST)
    if not form.is_valid():
        return _show(request, account, name_form=form)
    team.rename(account, form.cleaned_data["name"])
    messages.success(request, _("The account has its new name."))
    return redirect("team")


@require_POST
@with_managed_account
def team_invite(request: HttpRequest, account: Account) -> HttpResponse:
    """Mail an invitation."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _show(request, account, form=form)
    said = form.cleaned_data
    try:
        team.invite(account, said["email"], said["role"], by=user_of(request))
    except team.TeamRefused as refusal:
        form.add_error("email", str(refusal))
        return _show(request, account, form=form)
    done = _("We wrote to %(email)s. The link works once, for %(days)s days.")
    messages.success(request, done % {"email": said["email"], "days": team.LINK_DAYS})
    return redirect("team")


@require_POST
@with_managed_account
def invitation_resend(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Mail an invitation again, with a new link."""
    invitation = _invitation(account, pk)
    done = _("We wrote to %(email)s again. Only the new link works.") % {"email": invitation.email}
    return _do(request, lambda: team.resend(invitation), done)


@require_POST
@with_managed_account
def invitation_revoke(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Take an invitation back."""
    invitation = _invitation(account, pk)
    done = _("The invitation of %(email)s is taken back. Its link works no longer.")
    return _do(request, lambda: team.revoke(invitation), done % {"email": invitation.email})


@require_POST
@with_managed_account
def member_role(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Give a member another role."""
    place, form = _member(account, pk), RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose one of the roles."))
        return redirect("team")
    role, by = form.cleaned_data["role"], place_shown(request)
    facts = {"person": place.user, "role": Role(role).label}
    done = _("%(person)s has the role %(role)s now.") % facts
    return _do(request, lambda: team.change_role(place, role, by=by), done)


@require_POST
@with_managed_account
def member_remove(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Take a member off the team."""
    place, by = _member(account, pk), place_shown(request)
    done = _("%(person)s is off the team, and every key made by %(person)s is revoked.")
    return _do(request, lambda: team.remove(place, by=by), done % {"person": place.user})


@require_POST
@only(OWNERS, "Only an owner can hand the account over.")
def member_hand_over(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Make a member the owner in one's own place."""
    place, by = _member(account, pk), place_shown(request)
    done = _("%(person)s owns the account now. You are an admin.") % {"person": place.user}
    return _do(request, lambda: team.hand_over(place, by=by), done)


@require_POST
@with_account
def team_leave(request: HttpRequest, account: Account) -> HttpResponse:
    """End one's own place in the account."""
    try:
        team.leave(place_shown(request))
    except team.TeamRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("team")
    request.session.pop(CHOSEN, None)
    done = _("You have left %(team)s. Your keys there are revoked.")
    messages.success(request, done % {"team": account.of_members})
    return redirect("profile")


@require_POST
@login_required
def account_switch(request: HttpRequest) -> HttpResponse:
    """Show another one of the user's accounts from now on."""
    wanted = request.POST.get("to", "")
    for place in places_shown(request):
        if str(place.account_id) == wanted:
            _choose(request, place)
            return redirect("profile")
    messages.error(request, _("You do not belong to that account any more."))
    return redirect("profile")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show who invites, and whom; the button accepts.

    Looking does not use the link up, because mail scanners look at links too. The link proves who
    reads the address: who signs up from here need not confirm it once more.
    """
    try:
        found = team.read(token)
        if request.method == "POST" and isinstance(request.user, User):
            place = team.accept(token, request.user)
            _choose(request, place)
            messages.success(request, _("Welcome to %(team)s.") % {"team": place.account})
            return redirect("profile")
    except team.OtherAddress as refusal:
        messages.error(request, str(refusal))
    except team.TeamRefused as refusal:
        return render(request, "accounts/invitation.html", {"spent": refusal}, status=410)
    if not isinstance(request.user, User):
        get_adapter().stash_verified_email(request, found.email)
        return render(request, "accounts/invitation.html", {"invitation": found})
    fits = team.is_for(found, request.user)
    return render(request, "accounts/invitation.html", {"invitation": found, "fits": fits})


def _choose(request: HttpRequest, place: Membership) -> None:
    request.session[CHOSEN] = str(place.account_id)
    Membership.objects.filter(pk=place.pk).update(chosen_at=timezone.now())


def _do(request: HttpRequest, change: Callable[[], None], done: str) -> HttpResponse:
    """Make the change and say so, or say why not."""
    try:
        change()
    except team.TeamRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("team")


def _member(account: Account, pk: int) -> Membership:
    return get_object_or_404(team.members(account), pk=pk)


def _invitation(account: Account, pk: int) -> Invitation:
    return get_object_or_404(team.open_invitations(account), pk=pk)


def _show(request: HttpRequest, account: Account, **forms: Any) -> HttpResponse:
    me, live = place_shown(request), account.of_members
    of_here = Q(user__api_keys__account=live) | Q(user__api_keys__account__live=live)
    keys = Count("user__api_keys", filter=of_here & Q(user__api_keys__revoked_at=None))
    context = {
        "team": live,
        "members": team.members(account).annotate(keys=keys),
        "me": me,
        "may_manage": may_manage(request, account),
        "is_owner": me.role in OWNERS,
        "invitations": team.open_invitations(account),
        "form": InviteForm(),
        "name_form": NameForm(initial={"name": live.name}),
        "roles": RoleForm.base_fields["role"].choices,  # type: ignore[attr-defined]  # a ChoiceField
        "all_roles": EVERYBODY,
        "rights": [(what, [given.get(role, "") for role in Role]) for what, given in RIGHTS],
    }
    return render(request, "accounts/team.html", context | forms)
