"""The balance in the header of every page."""

from django.http import HttpRequest

from accounts.access import MAKERS, PAYERS, account_shown, place_shown, places_shown
from accounts.models import User
from billing import ledger


def balance(request: HttpRequest) -> dict[str, object]:
    """Return `account`, `balance_micros` (what can be spent) and `held_micros`, if signed in.

    `test_mode` tells whether that is the twin; `places` are the user's accounts, `sees_films` and
    `sees_money` what the role in this one includes.
    """
    if not isinstance(getattr(request, "user", None), User):
        return {"account": None, "test_mode": False}
    account = account_shown(request)
    book, role = ledger.book(account), place_shown(request).role
    return {
        "places": places_shown(request),
        "sees_films": role in MAKERS,
        "sees_money": role in PAYERS,
        "account": account,
        "test_mode": account.is_test,
        "balance_micros": book.available_micros,
        "held_micros": book.held_micros,
    }
