"""The word that a job has ended, to the customer's own servers."""

from django.dispatch import receiver

from accounts import deliveries, webhooks
from accounts.models import Event
from generations import wakeups
from generations.models import Generation
from generations.predictions import prediction


@receiver(deliveries.written)
def wake(**_: object) -> None:
    """Wake a driver when there are webhooks to send: it sends them too."""
    wakeups.wake_driver()


def announce_end(generation: Generation) -> None:
    """Tell the customer's webhooks of a job that is completed or failed now.

    Call it inside the transaction that ends the job: both are written, or neither. The payload
    is what the API answers for the job at this moment.
    """
    done = generation.status == Generation.Status.COMPLETED
    event = Event.COMPLETED if done else Event.FAILED
    if generation.webhook or webhooks.is_wanted(generation.account_id, event):
        ended = Generation.objects.select_related("account").get(pk=generation.pk)
        webhooks.announce(ended.account, event, ended.id.hex, prediction(ended), url=ended.webhook)
