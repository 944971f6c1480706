"""How every answer of the upstream looks: its envelope, its errors, its dates, its dollars."""

import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Endpoint = Callable[[Request], Awaitable[Response]]

BODY_BYTES_MAX = 1_000_000
INVALID_KEY = (
    "Invalid API key. Verify the key on your dashboard's API Keys page, or contact "
    "support@wavespeed.invalid"
)


class RefusalError(Exception):
    """An answer other than 200, with the sentence its body carries."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def success(data: object) -> JSONResponse:
    """200 and the envelope every good answer comes in."""
    return JSONResponse({"code": 200, "message": "success", "data": data})


def refusal(status: int, message: str) -> JSONResponse:
    """An error's body: its code is the HTTP status."""
    return JSONResponse({"code": status, "message": message}, status)


def keyed(api_key: str, endpoint: Endpoint) -> Endpoint:
    """The endpoint behind its API key, with refusals put into words."""

    async def answered(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        # As bytes: compare_digest refuses text beyond ASCII.
        if not hmac.compare_digest(given.encode(), f"Bearer {api_key}".encode()):
            return refusal(401, INVALID_KEY)
        return await plain(endpoint)(request)

    return answered


def plain(endpoint: Endpoint) -> Endpoint:
    """The endpoint for everyone, with refusals put into words."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RefusalError as fault:
            return refusal(fault.status, fault.message)

    return answered


async def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object, {} for an empty body. Refuses (400) anything else."""
    raw = await request.body()
    if len(raw) > BODY_BYTES_MAX:
        raise RefusalError(413, "Request body is too large.")
    try:
        body = json.loads(raw or b"{}")
        # Half a surrogate pair is legal JSON, but no text: neither SQLite nor a hash takes it.
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as fault:
        raise RefusalError(400, "Request body must be valid JSON.") from fault
    if not isinstance(body, dict):
        raise RefusalError(400, "Request body must be a JSON object.")
    return body


def date_short(moment: float) -> str:
    """As at submit: UTC with milliseconds."""
    return f"{_date(moment):%Y-%m-%dT%H:%M:%S}.{int(moment * 1000) % 1000:03d}Z"


def date_long(moment: float) -> str:
    """As in a result: UTC with nanoseconds."""
    # A clock has no finer grain than microseconds; the format wants nine digits all the same.
    nanoseconds = int(moment * 1_000_000) % 1_000_000 * 1000
    return f"{_date(moment):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def _date(moment: float) -> datetime:
    return datetime.fromtimestamp(int(moment), UTC)


def moment_of(text: str, field: str) -> float:
    """Unix seconds of an ISO 8601 date. Refuses (400) anything else; no zone means UTC."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError as fault:
        raise RefusalError(
            400, f'field "{field}" must be an ISO 8601 date, got "{text}"'
        ) from fault
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def dollars(micros: int) -> float:
    """USD as the upstream sends it, a plain JSON number; only answers use it, never sums."""
    return micros / 1_000_000  # nosemgrep: money-becomes-a-fraction  what the upstream sends is one
