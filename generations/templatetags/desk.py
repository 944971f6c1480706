from typing import Any

from django import template

from accounts.models import Account
from generations.desk import actions

register = template.Library()


@register.inclusion_tag("admin/desk/_offers.html", takes_context=True)
def offers(context: dict[str, Any], thing: Any) -> dict[str, Any]:
    """Show what the operator can do about a thing, and the way to its account's story."""
    if thing is None or not thing.pk:
        return {"offers": []}
    request = context["request"]
    account = thing if isinstance(thing, Account) else getattr(thing, "account", None)
    may_look = request.user.has_perm("accounts.view_account")
    return {
        "offers": [(one.label, one.address_for(thing)) for one in actions.offered(request, thing)],
        "account": account if isinstance(account, Account) and may_look else None,
    }
