"""Signs and sends the upstream's webhook."""

import hashlib
import hmac
import json
from typing import Any

import httpx

from sandbox.wavespeed.picture import client
from sandbox.wavespeed.prediction import Delivery

# Before the first, second and third try.
BACKOFF_SECONDS = (0.0, 5.0, 25.0)
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret starts with, not one


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The header `webhook-signature`; the key is the secret's text behind its prefix."""
    key = secret.removeprefix(SECRET_PREFIX).encode()
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v3," + hmac.new(key, signed, hashlib.sha256).hexdigest()


async def send(
    url: str,
    body: dict[str, Any],
    secret: str,
    now: float,
    transport: httpx.AsyncBaseTransport | None,
) -> Delivery:
    """One try. A redirect is not followed and counts as an answer like any other."""
    # Signed and sent as the same bytes; the client must not write the JSON again.
    raw = json.dumps(body, separators=(",", ":")).encode()
    # The same id for every try, so that receivers recognise a repetition.
    message_id, timestamp = f"msg_{body['id']}", str(int(now))
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(secret, message_id, timestamp, raw),
    }
    try:
        async with client(transport, follow_redirects=False) as web:
            answer = await web.post(url, content=raw, headers=headers)
    # Whatever an address makes the client stumble over, the job itself is unharmed.
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as fault:
        return Delivery(now, 0, f"{type(fault).__name__}: {fault}")
    return Delivery(now, answer.status_code)


def wait_after(deliveries: list[Delivery]) -> float | None:
    """Seconds until the next try, None when it arrived or the tries are used up."""
    if deliveries and 200 <= deliveries[-1].status < 300:
        return None
    if len(deliveries) >= len(BACKOFF_SECONDS):
        return None
    return BACKOFF_SECONDS[len(deliveries)]
