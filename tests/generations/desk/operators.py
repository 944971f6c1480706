"""Operators, and how they fill in a page of the desk."""

from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Permission

from accounts.opening import open_account
from tests.cast import Customer, customer


def operator(name: str = "olga") -> Customer:
    """Return an operator who may do everything."""
    one = customer(name)
    open_account(one.user.email, staff=True)
    one.user.refresh_from_db()
    return one


def helper(name: str, *permissions: str) -> Customer:
    """Return a member of staff who may do these things alone, such as "view_account"."""
    one = customer(name)
    one.user.is_staff = True
    one.user.save(update_fields=["is_staff"])
    one.user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return one


def address(model: str, action: str, *things: Any) -> str:
    """Return the address of an action's page about these things."""
    return f"/admin/act/{model}/{action}/?" + "&".join(f"pk={one.pk}" for one in things)


def said(reason: str = "They wrote to us", **more: str) -> dict[str, str]:
    """Return a filled-in form."""
    return {"reason": reason, "key": str(uuid4()), **more}
