"""What django-q2 runs for accounts. Losing or repeating a task changes nothing."""

from django.utils import timezone

from accounts import deliveries, webhook_letters


def tell_of_webhooks() -> str:
    """Write to the customers whose webhooks were switched off."""
    return f"{webhook_letters.tell_due()} letters about webhooks"


def forget_deliveries() -> str:
    """Remove what was sent long ago."""
    return f"{deliveries.forget(timezone.now())} deliveries forgotten"
