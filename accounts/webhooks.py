"""Webhooks of customers: who is told, of what, and where. Sending is accounts.webhook_sender's."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts import deliveries, webhook_secrets
from accounts.models import Account, Event, WebhookDelivery, WebhookEndpoint
from config import outbound

ENDPOINTS_MAX = 10
URL_LENGTH_MAX = 2048
FULL_ADDRESS = gettext_noop("Give a full address such as https://example.com/hook.")
PLAIN = re.compile(r"[!-~]+", re.ASCII)
HOST = re.compile(r"[a-z0-9._:-]+", re.ASCII)


class AddressRefused(ValueError):
    """The address cannot receive webhooks; the sentence says what to change."""


class EndpointRefused(ValueError):
    """The endpoint cannot be made or used; the sentence says why."""


def checked(address: str) -> str:
    """Return an address that may receive webhooks: https on an ordinary port.

    Whether it leads to a private network is judged at each POST. Raises AddressRefused.
    """
    if len(address) > URL_LENGTH_MAX:
        longer = _("The address is longer than %(number)s characters.")
        raise AddressRefused(longer % {"number": URL_LENGTH_MAX})
    url = _parsed(address)
    if url.userinfo:
        raise AddressRefused(_("Leave the name and password out of the address."))
    port = url.port or {"https": 443, "http": 80}.get(url.scheme, 0)
    if f"{_host(url)}:{port}" in settings.PRIVATE_HOSTS_ALLOWED and url.scheme in {"http", "https"}:
        return address
    if url.scheme != "https":
        raise AddressRefused(_("The address must begin with https://."))
    if port not in outbound.PORTS:
        raise AddressRefused(_("The address must use the ordinary port of https, 443."))
    return address


def _parsed(address: str) -> httpx.URL:
    """Read an address as the sender will: whatever two readers could take for two hosts is out."""
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused(_(FULL_ADDRESS)) from error
    if PLAIN.fullmatch(address) is None or HOST.fullmatch(_host(url)) is None:
        raise AddressRefused(_(FULL_ADDRESS))
    return url


def _host(url: httpx.URL) -> str:
    """Return the name as it is resolved; `url.host` shows letters of other scripts."""
    return url.raw_host.decode("ascii")


def of(account: Account) -> QuerySet[WebhookEndpoint]:
    """Return the account's endpoints, oldest first."""
    return WebhookEndpoint.objects.filter(account=account).order_by("id")


def log(account: Account) -> QuerySet[WebhookDelivery]:
    """Return what was sent for the account or is to be, newest first."""
    return WebhookDelivery.objects.filter(account=account).order_by("-id")


def add(account: Account, address: str, events: Sequence[str]) -> WebhookEndpoint:
    """Make an endpoint with a secret of its own. Raises AddressRefused, EndpointRefused."""
    url = checked(address)
    with transaction.atomic():
        # One at a time for an account, or two callers would both take the last place.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if of(account).count() >= ENDPOINTS_MAX:
            many = _("You have %(number)s webhooks. Remove one first.")
            raise EndpointRefused(many % {"number": ENDPOINTS_MAX})
        try:
            with transaction.atomic():
                return WebhookEndpoint.objects.create(
                    account=account, url=url, events=list(events), secret=webhook_secrets.fresh()
                )
        except IntegrityError as error:
            raise EndpointRefused(_("You have a webhook at this address already.")) from error


def choose(endpoint: WebhookEndpoint, events: Sequence[str]) -> None:
    """Tell an endpoint of these events from now on."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(events=list(events))


def switch_on(endpoint: WebhookEndpoint) -> bool:
    """Tell an endpoint of new events again; what happened meanwhile is not made up for."""
    off = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at__isnull=False)
    on = {"disabled_at": None, "disabled_reason": WebhookEndpoint.Reason.NONE}
    return off.update(**on, failing_since=None, told_at=None) == 1


def switch_off(endpoint: WebhookEndpoint) -> bool:
    """Stop telling an endpoint, because its owner wants that."""
    return deliveries.switch_off(endpoint, WebhookEndpoint.Reason.OWNER)


def remove(endpoint: WebhookEndpoint) -> None:
    """Remove an endpoint with its log."""
    with transaction.atomic():
        WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk).first()
        endpoint.delete()


def is_wanted(account_id: uuid.UUID, event: Event) -> bool:
    """Tell whether an endpoint of the account wants to hear of such events."""
    return _wanting(event).filter(account=account_id).exists()


def announce(
    account: Account, event: Event, subject: str, payload: Mapping[str, Any], url: str = ""
) -> int:
    """Tell the account's endpoints of an event, and an address that one request named.

    Writes into the outbox in the caller's transaction and returns how many will be told. An
    endpoint gets `{"type", "timestamp", "data": payload}`, the request's address the bare payload.
    Events of one subject, such as a job's id, reach an address in their order.
    """
    event_id = uuid.uuid4()
    told = _wanting(event).filter(account=account).order_by("id")
    messages = [_message(one, event_id, event, subject, payload) for one in told]
    if url:
        webhook_secrets.of_account(account)
        bare = WebhookDelivery(
            account=account, url=url, event_id=event_id, event=event, subject=subject,
            body=json.dumps(payload),
        )  # fmt: skip
        messages.append(bare)
    return deliveries.write(messages)


def send_test(endpoint: WebhookEndpoint) -> None:
    """Send a message that shows whether the endpoint works; it is tried once."""
    event_id = uuid.uuid4()
    words = {"message": "This is a test from Gallop. Nothing has happened."}
    subject = f"test:{event_id.hex}"
    deliveries.write([_message(endpoint, event_id, deliveries.TEST, subject, words)])


def replay(delivery: WebhookDelivery) -> None:
    """Send a message again. Raises EndpointRefused while its endpoint is switched off."""
    if delivery.endpoint is not None and not delivery.endpoint.is_on:
        raise EndpointRefused(_("This webhook is switched off. Switch it on first."))
    deliveries.repeat(delivery)


def _wanting(event: Event) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(disabled_at=None, events__contains=[event])


def _message(
    endpoint: WebhookEndpoint,
    event_id: uuid.UUID,
    event: str,
    subject: str,
    payload: Mapping[str, Any],
) -> WebhookDelivery:
    body = {"type": event, "timestamp": timezone.now().isoformat(), "data": payload}
    return WebhookDelivery(
        account_id=endpoint.account_id,
        endpoint=endpoint,
        url=endpoint.url,
        event_id=event_id,
        event=event,
        subject=subject,
        body=json.dumps(body),
    )
