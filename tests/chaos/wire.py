"""HTTP/1.1 as far as a meddling proxy needs it: whole messages as bytes, passed on unread.

Requests must carry Content-Length or no body, as all clients here do. Each is sent on over a
connection of its own, so that an answer ends where the connection does.
"""

import asyncio
import re
from dataclasses import dataclass, replace

HEAD_BYTES_MAX = 64 * 1024
BODY_BYTES_MAX = 64 * 1024 * 1024
ANSWER_SECONDS_MAX = 120
END = b"\r\n\r\n"


class Hung(Exception):
    """The other side closed, or said what is no HTTP."""


@dataclass(frozen=True)
class Request:
    """One request: its method and target in plain text, everything after them as sent."""

    method: str
    target: str
    headers: bytes
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def aimed(self, target: str) -> "Request":
        """Return the same request for another target."""
        return replace(self, target=target)

    def raw(self) -> bytes:
        """Return it as bytes, asking for the connection to be closed afterwards."""
        start = f"{self.method} {self.target} HTTP/1.1\r\nConnection: close\r\n"
        return start.encode() + _without_connection(self.headers) + END + self.body


async def read(reader: asyncio.StreamReader) -> Request:
    """Return the next request of a connection. Raises Hung."""
    try:
        head = (await reader.readuntil(END)).removesuffix(END)
        start, _, headers = head.partition(b"\r\n")
        method, target, _version = start.decode("ascii").split(" ")
        found = re.search(rb"(?im)^content-length: *(\d{1,12})\r?$", headers)
        size = int(found.group(1)) if found else 0
        if size > BODY_BYTES_MAX:
            raise Hung(f"a body of {size} bytes")
        return Request(method, target, headers, await reader.readexactly(size))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, OSError) as error:
        raise Hung(str(error)) from error


async def send_on(request: Request, port: int) -> bytes:
    """Return the whole answer of a server on this machine. Raises Hung."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request.raw())
                answer = await reader.read(-1)
            finally:
                writer.close()
    except OSError as error:
        raise Hung(str(error)) from error
    if END not in answer:
        raise Hung("half an answer")
    head, _, body = answer.partition(END)
    return _without_connection(head) + END + body


def answer(status: int, reason: str, body: bytes, kind: str = "application/json") -> bytes:
    """Return an answer of our own making."""
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
    return head.encode() + END + body


def _without_connection(head: bytes) -> bytes:
    lines = head.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(b"connection:"))
