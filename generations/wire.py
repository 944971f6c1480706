"""How calls to WaveSpeed travel: httpx's interface over aiohttp's connections.

Watching many jobs is nearly all calls, and these cost a third to a seventh of the processor time
that httpx's own transport takes. The ready-made bridge, httpx-aiohttp, is not used because it
takes a connection that breaks after the request was sent for one that was never made: a job
would be submitted, and paid, twice.
"""

from urllib.request import getproxies

import aiohttp
import httpx
from yarl import URL


class Transport(httpx.AsyncBaseTransport):
    """Sends each request once and reads its whole answer, which must be small.

    Raises httpx.ConnectError and httpx.ConnectTimeout only if not a byte of it was sent; whatever
    breaks later is an httpx.ReadTimeout or an httpx.ReadError. Redirects are answers.
    """

    def __init__(self, connections_max: int) -> None:
        self._connections_max = connections_max
        # Now, because it takes long: not while the first job waits.
        self._tls = httpx.create_ssl_context()
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeout = request.extensions["timeout"]
        # Of all methods aiohttp repeats only idempotent ones, on a kept connection that broke.
        call = self._opened().request(
            request.method,
            # Encoded already: a signed address must arrive as it was signed.
            URL(str(request.url), encoded=True),
            headers=request.headers.multi_items(),
            data=await request.aread() or None,
            # Nothing but the headers given: those of a signed upload are part of its signature.
            skip_auto_headers={"Content-Type"},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                connect=timeout["pool"],
                sock_connect=timeout["connect"],
                sock_read=timeout["read"],
            ),
        )
        try:
            async with call as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            raise _as_of_httpx(error, request) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, content=content)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        # Not earlier: a session belongs to the event loop that it is opened in.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections_max, ssl=self._tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                # Asked once: for each call, aiohttp would read the environment and .netrc anew.
                trust_env=bool(getproxies()),
            )
        return self._session


def _as_of_httpx(error: Exception, request: httpx.Request) -> httpx.TransportError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout(repr(error), request=request)
    if isinstance(error, aiohttp.ClientConnectorError):
        return httpx.ConnectError(repr(error), request=request)
    if isinstance(error, TimeoutError):
        return httpx.ReadTimeout(repr(error), request=request)
    return httpx.ReadError(repr(error), request=request)
