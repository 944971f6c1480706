"""The upstream: WaveSpeed's API v3, as far as Gallop needs it.

A GET may be repeated at will; the submitting POST never, because the upstream knows neither
idempotency keys nor cancelling. So every error says whether the job may have been taken.
Source: WaveSpeed's API documentation and the behaviour of its official clients.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx
from django.conf import settings
from django.core.cache import cache

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
CONNECTIONS_MAX = 100
HISTORY_PAGE_SIZE = 100
HISTORY_PAGES_MAX = 5
HOOK_AGE_SECONDS_MAX = 300
SECRET_SECONDS = 3600
MESSAGE_LENGTH_MAX = 300

# What the upstream says of a request that it has understood and will never accept.
REFUSALS = {400, 404, 413, 415, 422}
COMPLETED = "completed"
ENDED_WITHOUT_VIDEO = {"failed", "cancelled", "timeout", "deleted"}


class UpstreamError(Exception):
    """Something went wrong at, or on the way to, WaveSpeed."""


class Refused(UpstreamError):
    """The upstream does not accept this request and will not: asking again is useless."""


class Unavailable(UpstreamError):
    """The request was certainly not taken: load, money or the network. Ask again later."""


class InDoubt(UpstreamError):
    """Nobody knows whether the request was taken: do not repeat a submission."""


@dataclass(frozen=True)
class Prediction:
    """The upstream's view of a job; unknown statuses mean that it is still running."""

    id: str
    status: str
    outputs: list[str]
    error: str
    code: int

    @classmethod
    def parse(cls, data: Any) -> Self:
        """Read a prediction, in which all but the id may be missing or null."""
        if not data["id"]:
            raise ValueError("a prediction needs an id")
        return cls(
            id=str(data["id"]),
            status=str(data.get("status") or ""),
            outputs=[str(output) for output in data.get("outputs") or []],
            error=str(data.get("error") or "")[:MESSAGE_LENGTH_MAX],
            code=int(data.get("code") or 0),
        )


class Client:
    """One connection pool to WaveSpeed; use it as an async context manager.

    Tests pass a `transport`; everyone else leaves it alone.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            base_url=settings.WAVESPEED_BASE_URL + "/api/v3",
            headers={"Authorization": f"Bearer {settings.WAVESPEED_API_KEY}"},
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def submit(self, model: str, inputs: Mapping[str, Any], hook: str = "") -> Prediction:
        """Hand over a job, once. Raises Refused, Unavailable or InDoubt."""
        path = f"/{model}" + (f"?webhook={quote(hook, safe='')}" if hook else "")
        return _prediction(await self._call("POST", path, json=dict(inputs)))

    async def fetch(self, prediction_id: str) -> Prediction:
        """Return the job as the upstream sees it now. Raises Refused for an unknown id."""
        return _prediction(await self._call("GET", f"/predictions/{prediction_id}/result"))

    async def upload(self, content: bytes, filename: str, content_type: str) -> str:
        """Leave a picture with the upstream and return its address there, unique to this call.

        Repeating it is harmless: every error is Refused or Unavailable.
        """
        announced = {"filename": filename, "size": len(content), "content_type": content_type}
        try:
            ticket = await self._call("POST", "/media/uploads", json=announced)
            put = ticket["upload"]
            request = self._http.build_request(
                put["method"], put["url"], content=content, headers=put["headers"]
            )
            # The address is signed; storage refuses a second way of proving who we are.
            del request.headers["Authorization"]
            _raise_for(await self._http.send(request))
            return str(ticket["download_url"])
        except (InDoubt, httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError) as error:
            raise Unavailable(f"The picture could not be uploaded: {error!r}") from error

    async def find(self, image: str) -> Prediction | None:
        """Search the history for the submission of this picture; None when it is not there.

        Raises Unavailable or InDoubt when the history cannot be read.
        """
        for page in range(1, HISTORY_PAGES_MAX + 1):
            body = {"page": page, "page_size": HISTORY_PAGE_SIZE, "include_inputs": True}
            items = _items(await self._call("POST", "/predictions", json=body))
            for item in items:
                if _image_of(item) == image:
                    return _prediction(item)
            if len(items) < HISTORY_PAGE_SIZE:
                break
        return None

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = await self._http.request(method, path, **options)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(f"WaveSpeed cannot be reached: {error!r}") from error
        except httpx.HTTPError as error:
            raise InDoubt(f"WaveSpeed did not answer: {error!r}") from error
        _raise_for(answer)
        try:
            return answer.json()["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise InDoubt(f"WaveSpeed's answer makes no sense: {answer.text[:100]}") from error


def verify_webhook(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Tell whether WaveSpeed signed this delivery not longer than 300 seconds ago.

    The key is the secret without `whsec_`, as ASCII, not base64-decoded.
    """
    hook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    # Bounded, because anybody may send a number that no clock can be compared with.
    if not re.fullmatch(r"\d{1,12}", timestamp, re.ASCII):
        return False
    if abs(time.time() - int(timestamp)) > HOOK_AGE_SECONDS_MAX:
        return False
    return hmac.compare_digest(
        signature(body, hook_id, timestamp, secret).encode(),
        headers.get("webhook-signature", "").encode(),
    )


def signature(body: bytes, hook_id: str, timestamp: str, secret: str) -> str:
    """Return the `webhook-signature` that belongs to a delivery."""
    signed = f"{hook_id}.{timestamp}.".encode() + body
    key = secret.removeprefix("whsec_").encode("ascii")
    return "v3," + hmac.new(key, signed, hashlib.sha256).hexdigest()


def webhook_secret() -> str:
    """Return the secret that WaveSpeed signs with, asked for once an hour.

    Raises Unavailable.
    """
    secret = cache.get("wavespeed:webhook_secret")
    if secret is None:
        try:
            answer = httpx.get(
                f"{settings.WAVESPEED_BASE_URL}/api/v3/webhook/secret",
                headers={"Authorization": f"Bearer {settings.WAVESPEED_API_KEY}"},
                timeout=CONNECT_SECONDS,
            ).raise_for_status()
            secret = answer.json()["data"]["secret"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"The webhook secret cannot be read: {error!r}") from error
        cache.set("wavespeed:webhook_secret", secret, SECRET_SECONDS)
    return str(secret)


def _prediction(data: Any) -> Prediction:
    try:
        return Prediction.parse(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InDoubt(f"WaveSpeed's prediction makes no sense: {str(data)[:100]}") from error


def _items(data: Any) -> list[dict[str, Any]]:
    """Return a page of the history. Raises InDoubt: what cannot be read must not look empty."""
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InDoubt(f"WaveSpeed's history makes no sense: {str(data)[:100]}")
    return items


def _image_of(item: dict[str, Any]) -> Any:
    """Return the picture that a submission in the history was made with, None when unknown."""
    inputs = item.get("input") or item.get("inputs")
    return inputs.get("image") if isinstance(inputs, dict) else None


def _raise_for(answer: httpx.Response) -> None:
    """Sort HTTP errors by whether the request may have been taken, and whether to ask again."""
    if answer.is_success:
        return
    said = f"HTTP {answer.status_code}: {answer.text[:MESSAGE_LENGTH_MAX]}"
    if answer.is_server_error:
        # A gateway may answer 504 after the job was taken.
        raise InDoubt(said)
    if answer.status_code not in REFUSALS or "insufficient credits" in answer.text.lower():
        # Our key, our money, our load, a gateway astray: never the customer's fault.
        raise Unavailable(said)
    raise Refused(said)
