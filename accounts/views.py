"""Who is signed in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import with_account
from accounts.models import Account


@with_account
def profile(request: HttpRequest, account: Account) -> HttpResponse:
    """Show who is signed in and where to change it."""
    return render(request, "accounts/profile.html", {"account": account})
