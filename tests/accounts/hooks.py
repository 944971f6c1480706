"""What the tests of webhooks share: endpoints, announcements, one round of sending, proof."""

from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.utils import timezone
from standardwebhooks import Webhook

from accounts import webhook_secrets, webhooks
from accounts.models import Event, WebhookDelivery, WebhookEndpoint
from accounts.webhook_sender import Sender
from config.outbound import Fetcher
from tests.cast import Customer
from tests.web import Page, Web

OK = Page(status=204)
BROKEN = Page(status=500, content=b"a stack trace of theirs")
PAYLOAD = {"id": "7" * 32, "status": "completed", "note": "é 🐎"}

Status = WebhookDelivery.Status


def endpoint(
    customer: Customer, web: Web, page: Page = OK, *, path: str = "/hook", events: Any = None
) -> WebhookEndpoint:
    """Make an endpoint of the customer's at a path of the web server."""
    return webhooks.add(customer.account, web.put(path, page), events or list(Event))


def announce(
    customer: Customer, subject: str = "job", event: Event = Event.COMPLETED, url: str = ""
) -> WebhookDelivery:
    """Announce an event and return the delivery that was written last."""
    assert webhooks.announce(customer.account, event, subject, PAYLOAD, url=url) >= 1
    return WebhookDelivery.objects.latest("id")


@async_to_sync
async def send() -> int:
    """Send what is due now and return how much that was."""
    async with Fetcher() as fetcher:
        return await Sender(fetcher).run_due()


def send_again() -> int:
    """Do not wait for the delay, send what is pending now."""
    make_due()
    return send()


def make_due() -> None:
    """Let every pending delivery be due."""
    WebhookDelivery.objects.filter(status=Status.PENDING).update(due_at=timezone.now())


def drop_leases() -> None:
    """Let the leases of senders that died run out."""
    past = timezone.now() - timedelta(seconds=1)
    WebhookDelivery.objects.filter(lease_until__isnull=False).update(lease_until=past)


def fresh(delivery: WebhookDelivery) -> WebhookDelivery:
    """Read the delivery again."""
    return WebhookDelivery.objects.get(pk=delivery.pk)


def verified(web: Web, signer: webhook_secrets.Signer, number: int = -1) -> Any:
    """Return the body of a message that the receiver has verified with its secret."""
    secret = webhook_secrets.reveal(signer)
    return Webhook(secret).verify(web.bodies[number], web.headers[number])
