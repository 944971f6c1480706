"""Who is signed in, and in which mode."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import language
from accounts.access import TEST_MODE, user_of, with_account
from accounts.models import Account, Mode
from accounts.profile_form import ProfileForm

# Pages that there are in both modes; others are about one thing, which there is in one mode only.
IN_BOTH_MODES = {
    *("landing", "docs", "create", "gallery", "billing"),
    *("profile", "keys", "webhooks", "team", "usage"),
}


@with_account
def profile(request: HttpRequest, account: Account) -> HttpResponse:
    """Show who is signed in and what the user has chosen; a POST changes it."""
    user = user_of(request)
    form = ProfileForm.of(user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        form.keep(user)
        response = redirect("profile")
        if not user.language:
            # Else what was chosen in the foot of a page would go before what the browser asks.
            response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
            request.COOKIES.pop(settings.LANGUAGE_COOKIE_NAME, None)
        with translation.override(language.of_request(request)):
            messages.success(request, _("Saved."))
        return response
    return render(request, "accounts/profile.html", {"account": account, "form": form})


@require_POST
@login_required
def switch_mode(request: HttpRequest) -> HttpResponse:
    """Show the twin on all pages from now on, or no longer, as the button says."""
    request.session[TEST_MODE] = request.POST.get("to") == Mode.TEST
    # nosemgrep: visitor-says-where-to-go  its answer is the name of one of our pages
    return redirect(_page_after(request.POST.get("next", "")))


def _page_after(path: str) -> str:
    """Return the name of the page where the button was pressed, or of the gallery."""
    try:
        name = resolve(path).url_name
    except Resolver404:
        name = None
    return name if name in IN_BOTH_MODES else "gallery"
