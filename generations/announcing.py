"""The word that a job has ended, to the customer's own servers."""

import logging

from django.dispatch import receiver

from accounts import deliveries, webhooks
from accounts.models import Event
from config import log_context
from generations import film_mails, wakeups
from generations.models import Generation
from generations.predictions import prediction

logger = logging.getLogger(__name__)


@receiver(deliveries.written)
def wake(**_: object) -> None:
    """Wake a driver when there are webhooks to send: it sends them too."""
    wakeups.wake_driver()


def announce_end(generation: Generation) -> None:
    """Tell the customer's webhooks of a job that is completed or failed now.

    Call it inside the transaction that ends the job: both are written, or neither. The payload
    is what the API answers for the job at this moment.
    """
    with log_context.bound(job=generation.pk.hex, account=generation.account_id):
        logger.info("The job is %s.", generation.status)
    done = generation.status == Generation.Status.COMPLETED
    event = Event.COMPLETED if done else Event.FAILED
    if done:
        film_mails.note(generation)
    if generation.webhook or webhooks.is_wanted(generation.account_id, event):
        ended = Generation.objects.select_related("account").get(pk=generation.pk)
        webhooks.announce(ended.account, event, ended.id.hex, prediction(ended), url=ended.webhook)
