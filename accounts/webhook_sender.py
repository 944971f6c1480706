"""Sends the webhooks that are due, many at once, through the guarded way out."""

import asyncio
import logging
import uuid
from collections import Counter

from django.utils import timezone

from accounts import deliveries, delivery_words, webhook_secrets
from accounts.models import WebhookDelivery
from config import log_context, sealing
from config.outbound import Fetcher, FetchFailed
from config.turnstile import in_db, in_db_first

logger = logging.getLogger(__name__)

# Fewer than the connections of a Fetcher, and well inside a lease.
SENDS_MAX = 40
ANSWER_SECONDS_MAX = 15.0


class Sender:
    """Posts due messages. Give it a Fetcher of its own: receivers may be slow, films must not wait.

    A loop calls `start_due` at every turn and `finish` at its end; `run_due` does both once.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._name = uuid.uuid4()
        self._sends: dict[asyncio.Task[None], uuid.UUID] = {}

    async def run_due(self) -> int:
        """Send every message that is due now, wait for the results, return how many."""
        started = await self.start_due()
        await self.finish()
        return started

    async def start_due(self) -> int:
        """Begin to send what is due and return how many began, without waiting for answers."""
        self._drop_finished()
        free = SENDS_MAX - len(self._sends)
        if not free:
            return 0
        shares = Counter(self._sends.values())
        busy = [name for name, sends in shares.items() if sends >= deliveries.ACCOUNT_SHARE_MAX]
        claimed = await in_db_first(deliveries.claim, free, self._name, busy)
        for one in claimed:
            self._sends[asyncio.create_task(self._send(one), name=str(one))] = one.account_id
        return len(claimed)

    async def finish(self) -> None:
        """Wait for everything that is being sent."""
        if self._sends:
            await asyncio.wait(self._sends)
        self._drop_finished()

    def _drop_finished(self) -> None:
        for send in [one for one in self._sends if one.done()]:
            del self._sends[send]
            # A send that broke keeps its lease; when that ends the message is sent again.
            if error := send.exception():
                logger.error("Webhook %s broke.", send.get_name(), exc_info=error)

    async def _send(self, delivery: WebhookDelivery) -> None:
        log_context.bind(account=delivery.account_id, webhook=delivery.message_id)
        status_code, trouble = None, ""
        try:
            headers = await in_db(webhook_secrets.headers, delivery, timezone.now())
            status_code = await self._fetcher.post(
                delivery.url,
                delivery.body.encode(),
                {**headers, "Content-Type": "application/json"},
                seconds_max=ANSWER_SECONDS_MAX,
            )
            if not 200 <= status_code < 300:
                trouble = delivery_words.answered(status_code)
        except (FetchFailed, sealing.Unreadable) as error:
            trouble = str(error)
        if trouble:
            logger.info("A webhook was not delivered: %s", trouble)
        await in_db(deliveries.settle, delivery, status_code, trouble)
