"""The one guarded way out to addresses that customers and upstreams give us.

The name is resolved once, every address it has is judged, and the connection goes to exactly
the judged address; TLS and the Host header still carry the name. Redirects come back through
the same gate. Source of the ranges: IANA's special-purpose address registries.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import IO, Any, Self

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext_noop

PORTS = {80, 443}
REDIRECTS_MAX = 3
# The longest name that DNS knows.
NAME_LENGTH_MAX = 253
CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
CONNECTIONS_MAX = 50

IPV4_REFUSED = [
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        # In no registry: Azure's own machines find its wire server there.
        "168.63.129.16/32",
    )
]  # fmt: skip
# Only what is handed out to the public; mapped, 6to4, NAT64 and Teredo forms hide other addresses.
IPV6_ALLOWED = ipaddress.IPv6Network("2000::/3")
IPV6_REFUSED = [
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]


PRIVATE = gettext_noop("The address %(host)s is private or not allowed. Use a public one.")
UNKNOWN_NAME = gettext_noop("The name %(host)s was not found. Check the address.")
TOO_LARGE = gettext_noop("What is behind the address is larger than %(size)s bytes.")
TOO_SLOW = gettext_noop("The address took too long to answer.")
TOO_MANY_REDIRECTS = gettext_noop("The address redirects too often.")
NO_ADDRESS = gettext_noop("The address is not a working http(s) address.")
UNREACHED = gettext_noop("The address could not be reached.")
NO_FILE = gettext_noop("The address answered %(status)s instead of a file.")
COMPRESSED = gettext_noop("The address sends its file compressed. Use one that sends it as it is.")
# Others keep these in the database: see config.stored_words.
SENTENCES = (
    *(PRIVATE, UNKNOWN_NAME, TOO_LARGE, TOO_SLOW, TOO_MANY_REDIRECTS),
    *(NO_ADDRESS, UNREACHED, NO_FILE, COMPRESSED),
)


class FetchFailed(Exception):
    """The address could not be read; the English sentence is fit for a customer."""

    def __init__(self, sentence: str, *, passing: bool = False) -> None:
        self.passing = passing
        super().__init__(sentence)


class AddressRefused(FetchFailed):
    """The address leads to a private network or an unusual port."""

    def __init__(self, host: str) -> None:
        super().__init__(PRIVATE % {"host": host})


def public(address: str) -> bool:
    """Tell whether this literal IP address belongs to the public internet."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in IPV4_REFUSED)
    return ip in IPV6_ALLOWED and not any(ip in network for network in IPV6_REFUSED)


async def judged_address(host: str, port: int) -> str:
    """Resolve a name once and return the address to connect to.

    Raises AddressRefused when any of its addresses, or the port, is not allowed, and
    FetchFailed when it has none.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        # Whatever is too long for a name is too long for the sentence that a job keeps.
        shown = host if len(host) <= NAME_LENGTH_MAX else f"{host[:60]}…"
        raise FetchFailed(UNKNOWN_NAME % {"host": shown}) from error
    addresses = [str(entry[4][0]) for entry in found]
    if f"{host}:{port}" not in settings.PRIVATE_HOSTS_ALLOWED and (
        port not in PORTS or not all(public(address) for address in addresses)
    ):
        raise AddressRefused(host)
    return addresses[0]


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to judged addresses only."""

    def __init__(self) -> None:
        self._real = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        address = await judged_address(host, port)
        return await self._real.connect_tcp(address, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        del timeout, socket_options
        raise AddressRefused(path)

    async def sleep(self, seconds: float) -> None:
        await self._real.sleep(seconds)


@cache
def _trust() -> ssl.SSLContext:
    """Return whom to believe: reading the authorities takes long, so it is done once."""
    return ssl.create_default_context()


class _GuardedTransport(httpx.AsyncHTTPTransport):
    def __init__(self) -> None:
        super().__init__(verify=_trust())
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_trust(),
            max_connections=CONNECTIONS_MAX,
            network_backend=_GuardedBackend(),
        )


class Fetcher:
    """Talks to foreign addresses; use it as a context manager.

    What must not wait for another's slow addresses opens one of its own.
    """

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            transport=_GuardedTransport(),
            follow_redirects=False,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            headers={"User-Agent": "Gallop", "Accept-Encoding": "identity"},
            # A cookie that one address sets would come along to the next customer's.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def read(self, url: str, into: IO[bytes], *, size_max: int, seconds_max: float) -> None:
        """Write what is behind `url` into an open file.

        Raises FetchFailed; its `passing` says that trying again later may help.
        """
        with _in_our_words():
            async with asyncio.timeout(seconds_max):
                async with aclosing(await self._answer_to(url)) as answer:
                    _check(answer)
                    read = 0
                    async for chunk in answer.aiter_raw():
                        read += len(chunk)
                        if read > size_max:
                            raise FetchFailed(TOO_LARGE % {"size": size_max})
                        into.write(chunk)

    async def _answer_to(self, url: str) -> httpx.Response:
        """Return the answer at the end of the redirects, its body unread.

        We follow them ourselves: httpx would read the body of each redirect, however long.
        """
        request = self._client.build_request("GET", url)
        for _ in range(REDIRECTS_MAX + 1):
            answer = await self._client.send(request, stream=True)
            if answer.next_request is None:
                return answer
            await answer.aclose()
            request = answer.next_request
        raise httpx.TooManyRedirects("more than we follow", request=request)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, seconds_max: float
    ) -> int:
        """Send the body and return the HTTP status of the answer, whatever it is.

        Redirects are not followed, and not a byte of the answer's body is read. Raises
        FetchFailed when no answer came.
        """
        with _in_our_words():
            request = self._client.build_request("POST", url, content=body, headers=dict(headers))
            async with asyncio.timeout(seconds_max):
                answer = await self._client.send(request, stream=True)
                await answer.aclose()
                return answer.status_code


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Raise FetchFailed for whatever goes wrong on the way."""
    try:
        yield
    except (TimeoutError, httpx.TimeoutException) as error:
        raise FetchFailed(TOO_SLOW, passing=True) from error
    except httpx.TooManyRedirects as error:
        raise FetchFailed(TOO_MANY_REDIRECTS) from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, ValueError) as error:
        # Some odd names pass httpx and break idna or the cookie jar, with a ValueError.
        raise FetchFailed(NO_ADDRESS) from error
    except httpx.HTTPError as error:
        raise FetchFailed(UNREACHED, passing=True) from error


def _check(answer: httpx.Response) -> None:
    if not answer.is_success:
        raise FetchFailed(
            NO_FILE % {"status": answer.status_code},
            passing=answer.status_code in {408, 425, 429} or answer.is_server_error,
        )
    # A few hundred bytes can unpack to gigabytes, so nothing is unpacked.
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchFailed(COMPRESSED)
