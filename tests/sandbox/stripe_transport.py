"""Talking to an ASGI application in this process: for the Stripe SDK, and for a browser's part.

    with InProcessTransport(app) as transport:
        client = stripe.StripeClient(key, http_client=InProcessClient(transport))
        browser = httpx.Client(transport=transport, base_url="http://sandbox")

The application's lifespan is not run, so nothing happens in the background: time passes and
webhooks leave when the test says so (`POST /v1/_sandbox/work`).
"""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import httpx
import stripe
from anyio.from_thread import start_blocking_portal
from starlette.types import ASGIApp


class InProcessTransport(httpx.BaseTransport):
    """Carries requests to the application, on an event loop in a thread of its own.

    Usable from any thread, also from one that runs an event loop. Close it, or use it as a context.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._inner = httpx.ASGITransport(app)
        self._closing = ExitStack()
        self._portal = self._closing.enter_context(start_blocking_portal())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """A client that is closed leaves the transport open for the others: see `close`."""
        self._closing.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._portal.call(self._carry, request)

    async def _carry(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)


class InProcessClient(stripe.HTTPClient):
    """The SDK's HTTP client over a transport; retries and headers stay the SDK's own."""

    name = "in-process"

    def __init__(self, transport: httpx.BaseTransport) -> None:
        super().__init__()
        self._web = httpx.Client(transport=transport)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        answer = self._web.request(method, url, headers=headers, content=post_data)
        return answer.text, answer.status_code, answer.headers

    def close(self) -> None:
        """Nothing to do: the transport belongs to whoever made it."""
