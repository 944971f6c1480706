"""The balance in the header of every page."""

from django.http import HttpRequest

from accounts.models import User
from accounts.opening import account_of
from billing import ledger


def balance(request: HttpRequest) -> dict[str, object]:
    """Return `account`, `balance_micros` (what can be spent) and `held_micros`, if signed in."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"account": None}
    account = account_of(user)
    book = ledger.book(account)
    return {
        "account": account,
        "balance_micros": book.available_micros,
        "held_micros": book.held_micros,
    }
