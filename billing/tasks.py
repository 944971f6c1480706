"""What django-q2 runs for billing. Losing or repeating a task changes nothing."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import Account
from billing import alerts, notices, promotions, reconciliation, topup

ROUNDS_MAX = 20


def watch_alerts() -> str:
    """Tell customers of the figures they asked to hear of."""
    changed = 0
    for _ in range(ROUNDS_MAX):
        last = alerts.watch(timezone.now())
        changed += last
        if last < alerts.ROUND_MAX:
            break
    return f"{changed} alerts told or armed again"


def end_promotions() -> str:
    """Take back promotional credit that has reached its end."""
    return f"{promotions.end_due(timezone.now())} promotions ended"


def top_up() -> str:
    """Settle open top-ups and make the ones that are due."""
    return f"{topup.run_due()} accounts topped up, or tried to"


def top_up_one(account_id: str) -> str:
    """Top one account up, because credit was spent."""
    tried = topup.attempt(Account.objects.get(pk=account_id))
    return "tried" if tried else "nothing to do"


def reconcile_stripe() -> str:
    """Compare the last days with Stripe, and mail the operator every difference."""
    since = timezone.now() - timedelta(days=reconciliation.DAYS)
    differences = reconciliation.reconcile(since).differences
    if differences:
        notices.tell_operator(
            f"Stripe and our books differ in {len(differences)} places",
            "\n".join(differences[: reconciliation.TOLD_MAX]),
        )
    return f"{len(differences)} differences"
