"""The upstream: WaveSpeed's API v3, as far as Gallop needs it.

A GET may be repeated at will; the submitting POST never, because the upstream knows neither
idempotency keys nor cancelling. So every error says whether the job may have been taken.
Source: WaveSpeed's API documentation and the behaviour of its official clients.
"""

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import httpx
from django.conf import settings
from django.core.cache import cache

from generations import catalog
from generations.wire import Transport

CONNECT_SECONDS = 10.0
CONNECTIONS_MAX = 100
HISTORY_PAGE_SIZE = 100
HISTORY_PAGES_MAX = 200
# How far the upstream's clock may be behind ours.
HISTORY_SLACK = timedelta(minutes=5)
HOOK_AGE_SECONDS_MAX = 300
SECRET_SECONDS = 3600
HOOK_CACHE_KEY = "wavespeed:webhook_secret"
MESSAGE_LENGTH_MAX = 300
ID_LENGTH_MAX = 64

# What the upstream says of a request that it has understood and will never accept.
REFUSALS = {400, 404, 413, 415, 422}
# Of our own ticket's address: the picture came through, and only the answer was lost.
ALREADY_THERE = 412
CAUSES = {401: "key", 403: "key", 429: "load"}
COMPLETED = "completed"
ENDED_WITHOUT_VIDEO = {"failed", "cancelled", "timeout", "deleted"}

_asking = threading.Lock()


class UpstreamError(Exception):
    """Something went wrong at, or on the way to, WaveSpeed."""


class Refused(UpstreamError):
    """The upstream does not accept this request and will not: asking again is useless."""


class Unavailable(UpstreamError):
    """The request was certainly not taken. Ask again later.

    `cause` is "load", "money", "key", "down", or "" for anything else.
    """

    def __init__(self, said: str, cause: str = "") -> None:
        self.cause = cause
        super().__init__(said)


class InDoubt(UpstreamError):
    """Nobody knows whether the request was taken: do not repeat a submission."""


class Prediction(NamedTuple):
    """The upstream's view of a job; unknown statuses mean that it is still running.

    A tuple, because a watch makes thousands a second: frozen dataclasses take three times as long.
    """

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
        outputs = data.get("outputs")
        return cls(
            str(data["id"]),
            str(data.get("status") or ""),
            [str(output) for output in outputs] if outputs else [],
            str(data.get("error") or "")[:MESSAGE_LENGTH_MAX],
            int(data.get("code") or 0),
        )


class Client:
    """One connection pool to WaveSpeed; use it as an async context manager.

    Tests pass a `transport`; everyone else leaves it alone.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            base_url=settings.WAVESPEED_BASE_URL + "/api/v3",
            headers={"Authorization": f"Bearer {settings.WAVESPEED_API_KEY}"},
            timeout=httpx.Timeout(
                settings.UPSTREAM_READ_SECONDS, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS
            ),
            transport=transport or Transport(CONNECTIONS_MAX),
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
            answer = await self._http.send(request)
            if answer.status_code != ALREADY_THERE:
                _raise_for(answer)
            return str(ticket["download_url"])
        except (InDoubt, httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError) as error:
            raise Unavailable(f"The picture could not be uploaded: {error!r}") from error

    async def history(
        self,
        page: int,
        *,
        created_after: datetime,
        created_before: datetime | None = None,
        status: str = "",
        with_inputs: bool = False,
    ) -> list[Prediction]:
        """Return a page of up to 100 jobs, newest first; what has no readable id is left out.

        Jobs that arrive while the pages are read move others to a later page, and deleted ones
        move others to an earlier one: a page is no proof that a job is not there.
        Raises Unavailable or InDoubt when the page cannot be read.
        """
        window = {"created_after": _date(created_after)}
        if created_before is not None:
            window["created_before"] = _date(created_before)
        if status:
            window["status"] = status
        items = await self._page(page, HISTORY_PAGE_SIZE, with_inputs=with_inputs, **window)
        return [prediction for item in items if (prediction := _readable(item))]

    async def find(
        self, marks: Collection[str], since: datetime, *, to_its_end: bool = False
    ) -> dict[str, list[str]]:
        """Search the history since then for submissions with these marks; return their ids by mark.

        The reading stops as soon as every mark is found, unless it has to go on `to_its_end`,
        because several submissions may share a mark. A mark that is missing in the answer was on
        no submission that the upstream showed from its newest job to its oldest since then.
        Raises Unavailable or InDoubt when the history could not be read that far: an incomplete
        reading says nothing of absence.

        Jobs that arrive meanwhile push older ones to later pages, which are read after them. A
        job that is deleted meanwhile pulls older ones to pages already read, so each page begins
        with a job that the one before has shown, and where it does not, nothing is concluded.
        """
        wanted, found = set(marks) - {""}, dict[str, list[str]]()
        after, seen = _date(since - HISTORY_SLACK), set[str]()
        read, full = 0, False
        for _ in range(HISTORY_PAGES_MAX):
            page, size = _next_page(read)
            items = await self._page(page, size, with_inputs=True, created_after=after)
            for item in items:
                if (shown := _mark_of(item)) in wanted and _id_of(item) not in seen:
                    found.setdefault(shown, []).append(_id_of(item))
            if (len(found) == len(wanted) and not to_its_end) or not (items or full):
                return found
            if read and (not items or _id_of(items[0]) not in seen):
                raise InDoubt("WaveSpeed's history changed while it was read.")
            seen |= {_id_of(item) for item in items}
            read, full = page * size, len(items) >= size
        raise InDoubt(f"WaveSpeed's history is longer than {HISTORY_PAGES_MAX} pages.")

    async def _page(
        self, page: int, size: int, *, with_inputs: bool, **window: str
    ) -> list[dict[str, Any]]:
        body = {"page": page, "page_size": size, "include_inputs": with_inputs, **window}
        return _items(await self._call("POST", "/predictions", json=body))

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = await self._http.request(method, path, **options)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(f"WaveSpeed cannot be reached: {error!r}", "down") from error
        except httpx.HTTPError as error:
            raise InDoubt(f"WaveSpeed did not answer: {error!r}") from error
        _raise_for(answer)
        try:
            return answer.json()["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise InDoubt(f"WaveSpeed's answer makes no sense: {answer.text[:100]}") from error


def mark(model: str, inputs: Mapping[str, Any]) -> str:
    """Return what a submission is known by in the history: its picture, or else all that was sent.

    Each job sends its own copy of its picture. "" for what can be known by nothing.
    """
    image = inputs.get("image")
    if isinstance(image, str) and image:
        return image
    entry = catalog.MODELS.get(model)
    if entry is None or entry.wants_picture:
        return ""
    values = {one.name: _plain(inputs.get(one.name)) for one in entry.parameters}
    return json.dumps([model, values], sort_keys=True)


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


def told_id(body: bytes) -> str:
    """Return the id of the job that a verified delivery is about, "" where it names none."""
    try:
        told = json.loads(body)["id"]
    except (ValueError, KeyError, TypeError):
        return ""
    return told if isinstance(told, str) and len(told) <= ID_LENGTH_MAX else ""


def signature(body: bytes, hook_id: str, timestamp: str, secret: str) -> str:
    """Return the `webhook-signature` that belongs to a delivery."""
    signed = f"{hook_id}.{timestamp}.".encode() + body
    key = secret.removeprefix("whsec_").encode("ascii")
    return "v3," + hmac.new(key, signed, hashlib.sha256).hexdigest()


def webhook_secret() -> str:
    """Return the secret that WaveSpeed signs with, asked for once an hour.

    Raises Unavailable.
    """
    secret = cache.get(HOOK_CACHE_KEY)
    if secret is None:
        # One asks: hooks come many at once, and a client of its own for each would stop us all.
        with _asking:
            secret = cache.get(HOOK_CACHE_KEY) or _ask_secret()
            cache.set(HOOK_CACHE_KEY, secret, SECRET_SECONDS)
    return str(secret)


def _ask_secret() -> str:
    try:
        answer = httpx.get(
            f"{settings.WAVESPEED_BASE_URL}/api/v3/webhook/secret",
            headers={"Authorization": f"Bearer {settings.WAVESPEED_API_KEY}"},
            timeout=CONNECT_SECONDS,
        ).raise_for_status()
        return str(answer.json()["data"]["secret"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"The webhook secret cannot be read: {error!r}") from error


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


def _next_page(read: int) -> tuple[int, int]:
    """Return number and size of the page that begins with the last job read, or just before it.

    Of all sizes the one that reaches furthest: its pages begin at multiples of the size.
    """
    last = max(read - 1, 0)
    size = max(range(1, HISTORY_PAGE_SIZE + 1), key=lambda size: last // size * size + size)
    return last // size + 1, size


def _readable(item: dict[str, Any]) -> Prediction | None:
    try:
        return _prediction(item)
    except InDoubt:
        return None


def _id_of(item: dict[str, Any]) -> str:
    """Return the id of a job in the history. Raises InDoubt when it has none."""
    return _prediction(item).id


def _mark_of(item: dict[str, Any]) -> str:
    """Return the mark of a submission in the history, "" when what it was made with is unknown."""
    inputs = item.get("input") or item.get("inputs")
    return mark(str(item.get("model")), inputs) if isinstance(inputs, dict) else ""


def _plain(value: object) -> object:
    """Return a value as it compares: 5.0 is 5, and nobody sees how many spaces there were."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return " ".join(value.split()) if isinstance(value, str) else value


def _date(moment: datetime) -> str:
    """Return a moment as the history's bounds are written: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _raise_for(answer: httpx.Response) -> None:
    """Sort HTTP errors by whether the request may have been taken, and whether to ask again."""
    if answer.is_success:
        return
    said = f"HTTP {answer.status_code}: {answer.text[:MESSAGE_LENGTH_MAX]}"
    if answer.is_server_error:
        # A gateway may answer 504 after the job was taken.
        raise InDoubt(said)
    if "insufficient credits" in answer.text.lower():
        raise Unavailable(said, "money")
    if answer.status_code not in REFUSALS:
        # Our key, our load, a gateway astray: never the customer's fault.
        raise Unavailable(said, CAUSES.get(answer.status_code, ""))
    raise Refused(said)
