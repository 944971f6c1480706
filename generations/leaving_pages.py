"""The ways out: everything to take away, and the deletion of one's account."""

from itertools import chain

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import letters, team
from accounts.access import place_shown, user_of, with_account
from accounts.models import Account, User
from billing import ledger, money
from config.errors import STORAGE_DOWN
from config.media import StorageDown
from generations import closing, takeout
from generations.models import Generation


class DeletionForm(forms.Form):
    """The address, typed, and the credit given up in so many words."""

    address = forms.CharField(max_length=254)
    gives_up = forms.BooleanField(required=False)

    def __init__(self, *args: object, email: str, unspent_micros: int) -> None:
        super().__init__(*args)  # type: ignore[arg-type]  # what Django's forms begin with
        self.email = email
        self.fields["gives_up"].required = unspent_micros > 0
        words = _("I give up %(credit)s of credit that I have not spent.")
        self.fields["gives_up"].label = words % {"credit": money.display(unspent_micros)}

    def clean_address(self) -> str:
        """Return the user's own address. Raises ValidationError for anything else."""
        address = str(self.cleaned_data["address"]).strip()
        if address.lower() != self.email.lower():
            raise forms.ValidationError(_("This is not your address. Nothing was deleted."))
        return address


@require_POST
@with_account
def export(request: HttpRequest, account: Account) -> HttpResponseBase:
    """Send everything that the user may take away of this account, as one ZIP."""
    parts = takeout.archive(user_of(request), place_shown(request), account)
    try:
        # Trouble with the storage is told on a page, as long as nothing was sent.
        first = next(parts)
    except StorageDown:
        messages.error(request, _(STORAGE_DOWN))
        return redirect("profile")
    name = f"gallop-{timezone.localdate()}.zip"
    return StreamingHttpResponse(
        chain([first], parts),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )


@never_cache
@login_required
@reauthentication_required
def delete(request: HttpRequest) -> HttpResponse:
    """Say what goes and what stays; the typed address deletes the user."""
    user, closing_with, refusal = user_of(request), [], None
    try:
        closing_with = closing.accounts_closing_with(user)
    except closing.DeletionRefused as error:
        refusal = error
    unspent = sum(ledger.book(one).available_micros for one in closing_with)
    data = request.POST if request.method == "POST" else None
    form = DeletionForm(data, email=user.email, unspent_micros=unspent)
    if refusal is None and form.is_valid():
        return _delete(request, user)
    running = Generation.objects.unfinished().filter(account__in=closing_with)
    context = {
        "form": form,
        "refusal": refusal,
        "closing": closing_with,
        "leaving": user.memberships.exclude(account__in=closing_with).select_related("account"),
        "unspent_micros": unspent,
        "running": running.count(),
        "room": "profile",
    }
    return render(request, "accounts/delete.html", context)


def _delete(request: HttpRequest, user: User) -> HttpResponse:
    address = user.email
    try:
        closing.delete_user(user)
    except (closing.DeletionRefused, team.TeamRefused) as refusal:
        # Somebody joined or left since the page was shown.
        messages.error(request, str(refusal))
        return redirect("account_delete")
    logout(request)
    letters.send_quietly([address], "accounts/mail/deleted")
    words = _("Your account is deleted. Films and pictures follow within minutes.")
    messages.success(request, words)
    return redirect("landing")
