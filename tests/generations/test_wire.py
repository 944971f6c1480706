"""Calls over real sockets that break at every point: what may have been sent is never "not taken".

The server here reads each request to its end before it misbehaves, and counts it.
"""

import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import BinaryIO, TypeVar

import pytest
from asgiref.sync import async_to_sync
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django import Settings

from generations import wavespeed
from generations.wavespeed import Client, InDoubt, Prediction, Unavailable, UpstreamError
from tests.ports import free_port

ANSWER = b'{"data":{"id":"abc","status":"created"}}'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)
LONGER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER) + 1, ANSWER)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf "
SHORT_SECONDS = 0.2

T = TypeVar("T")

Reply = Callable[[socket.socket], None]


@dataclass
class Server:
    """Answers the nth request by the nth reply, the last one for all others; keeps requests."""

    replies: list[Reply]
    requests: list[bytes] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def listening(self, tls: ssl.SSLContext | None = None) -> Iterator[None]:
        """Serve until the block ends and its clients have gone."""
        with ThreadingTCPServer(("127.0.0.1", 0), self._handler(tls)) as server:
            self.port = server.server_address[1]
            thread = Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield
            server.shutdown()
            thread.join()

    def _handler(self, tls: ssl.SSLContext | None) -> type[BaseRequestHandler]:
        serve = self._serve

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                with suppress(ConnectionError, ssl.SSLError):
                    serve(tls.wrap_socket(self.request, server_side=True) if tls else self.request)

        return Handler

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while connection.fileno() >= 0 and (head := _head(stream)):
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self.requests.append(head + stream.read(int(length or 0)))
                self.replies[min(len(self.requests), len(self.replies)) - 1](connection)


def _head(stream: BinaryIO) -> bytes:
    """Return a request up to the empty line, b"" when the client has gone or makes no sense."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (line := stream.readline()):
            return b""
        head += line
    return head


def says(content: bytes) -> Reply:
    """Send this and leave the connection open."""
    return lambda connection: connection.sendall(content)


def closes(content: bytes = b"") -> Reply:
    """Send this and close."""

    def reply(connection: socket.socket) -> None:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    return reply


def resets(content: bytes = b"") -> Reply:
    """Send this and reset the connection."""

    def reply(connection: socket.socket) -> None:
        connection.sendall(content)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The file over the connection keeps it open until it is closed itself.
        raise ConnectionResetError

    return reply


async def submit(client: Client) -> Prediction:
    """Submit a job."""
    return await client.submit("a/model", {"image": "https://x/a.jpg"}, "https://us.test/hook?a=b")


def during(
    settings: Settings,
    server: Server,
    question: Callable[[Client], Awaitable[T]],
    tls: ssl.SSLContext | None = None,
    scheme: str = "http",
) -> T:
    """Put a question to this server over a real connection."""

    async def run() -> T:
        async with Client() as client:
            return await question(client)

    with server.listening(tls):
        settings.WAVESPEED_BASE_URL = f"{scheme}://localhost:{server.port}"
        return async_to_sync(run)()


@pytest.mark.parametrize(
    "reply",
    [
        closes(),
        closes(b"HTTP/1.1 200"),
        closes(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"),
        closes(LONGER),
        closes(CHUNKED),
        closes(b"no such protocol\r\n\r\n"),
        closes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnonsense"),
        closes(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip at all"),
        resets(),
        resets(b"HTTP/1.1 200"),
        resets(LONGER),
        resets(CHUNKED),
        says(b""),
        says(b"HTTP/1.1 200 OK\r\n"),
        says(LONGER),
        says(CHUNKED),
    ],
)
@pytest.mark.parametrize("earlier", [[], [says(WHOLE)]], ids=["new", "kept"])
def test_whatever_breaks_after_the_post_was_sent_is_in_doubt_and_it_was_sent_once(
    settings: Settings, earlier: list[Reply], reply: Reply
) -> None:
    settings.UPSTREAM_READ_SECONDS = SHORT_SECONDS
    server = Server([*earlier, reply])

    async def again(client: Client) -> Prediction:
        for _ in earlier:
            await submit(client)
        return await submit(client)

    with pytest.raises(UpstreamError) as raised:
        during(settings, server, again)
    assert type(raised.value) is InDoubt
    assert len(server.requests) == len(earlier) + 1


def test_a_refused_connection_was_never_a_submission(settings: Settings) -> None:
    settings.WAVESPEED_BASE_URL = f"http://127.0.0.1:{free_port()}"
    assert never_sent() == "down"


def never_sent() -> str:
    """Submit where nobody can take it and return what the client makes of it."""

    async def run() -> None:
        async with Client() as client:
            await submit(client)

    with pytest.raises(Unavailable) as raised:
        async_to_sync(run)()
    return raised.value.cause


def test_a_connection_that_nobody_takes_was_never_a_submission(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wavespeed, "CONNECT_SECONDS", SHORT_SECONDS)
    with socket.socket() as busy, socket.socket() as first:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        # One connection fills the queue of a server that takes none: further ones get no answer.
        first.connect(busy.getsockname())
        settings.WAVESPEED_BASE_URL = "http://{}:{}".format(*busy.getsockname())
        assert never_sent() == "down"


def test_a_server_without_tls_was_never_told_anything(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wavespeed, "CONNECT_SECONDS", SHORT_SECONDS)
    server = Server([says(WHOLE)])

    with pytest.raises(Unavailable):
        during(settings, server, submit, scheme="https")
    assert server.requests == []


def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    server = Server([says(WHOLE)])

    with pytest.raises(Unavailable):
        during(settings, server, submit, own_certificate(tmp_path / "own.pem"), "https")
    assert server.requests == []


def own_certificate(path: Path) -> ssl.SSLContext:
    """Return a server's TLS with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_submission_arrives_as_it_was_written(settings: Settings) -> None:
    server = Server([says(WHOLE)])

    assert during(settings, server, submit).id == "abc"

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().splitlines()
    names = {line.partition(":")[0].lower() for line in lines[1:]}
    assert lines[0] == "POST /api/v3/a/model?webhook=https%3A%2F%2Fus.test%2Fhook%3Fa%3Db HTTP/1.1"
    assert "authorization: Bearer sandbox" in lines
    assert "content-type: application/json" in lines
    assert len(names) == len(lines) - 1
    assert body == b'{"image":"https://x/a.jpg"}'


def test_a_signed_upload_is_put_where_and_as_it_was_signed(settings: Settings) -> None:
    query = "/put%2Fhere?sign=a%2Bb%3D&x=%7Ey"

    def hand_out_a_ticket(connection: socket.socket) -> None:
        put = {
            "method": "PUT",
            "url": settings.WAVESPEED_BASE_URL + query,
            "headers": {"If-None-Match": "*"},
        }
        content = json.dumps({"data": {"download_url": "https://x/a", "upload": put}}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content))
        connection.sendall(content)

    server = Server([hand_out_a_ticket, says(WHOLE)])

    async def upload(client: Client) -> str:
        return await client.upload(b"abc", "a.jpg", "image/jpeg")

    assert during(settings, server, upload) == "https://x/a"
    head, _, body = server.requests[1].partition(b"\r\n\r\n")
    lines = head.decode().splitlines()
    assert (lines[0], body) == (f"PUT {query} HTTP/1.1", b"abc")
    names = {line.partition(":")[0].lower() for line in lines[1:]}
    assert not names & {"authorization", "content-type"}


def test_a_redirect_is_an_answer_and_nothing_is_sent_elsewhere(settings: Settings) -> None:
    moved = b"HTTP/1.1 307 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
    server = Server([says(moved)])

    with pytest.raises(Unavailable):
        during(settings, server, submit)
    assert len(server.requests) == 1


def test_a_lookup_on_a_kept_connection_that_broke_is_repeated(settings: Settings) -> None:
    server = Server([says(WHOLE), closes(), says(WHOLE)])

    async def twice(client: Client) -> Prediction:
        await client.fetch("abc")
        return await client.fetch("abc")

    assert during(settings, server, twice).id == "abc"
    assert len(server.requests) == 3
