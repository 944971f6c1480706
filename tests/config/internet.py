"""A small internet of one test: a name server, and a wire that notes every address dialled.

Both stand below the product: names are asked of a real server by UDP where the C library would
ask, and sockets connect for real, to a server of this machine in place of the public one.
"""

import asyncio
import errno
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from tests.web import Web

A, AAAA, IN = 1, 28, 1
NAME_ERROR = 3
ANSWER_SECONDS_MAX = 5.0
PACKET_BYTES_MAX = 4096

Address = tuple[str, int]


@dataclass
class Internet:
    """Who has which name, who listens where, and what was asked for.

    `names` holds for each name the answers to its first, second … question; the last is repeated.
    """

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    servers: dict[Address, Address] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    dialled: list[Address] = field(default_factory=list)

    def name(self, name: str, *answers: list[str]) -> str:
        """Give a name its answers and return it."""
        self.names[name] = list(answers)
        return name


class _NameServer(asyncio.DatagramProtocol):
    """Answers questions for A and AAAA from `names` (RFC 1035, sections 4.1 and 4.2.1)."""

    def __init__(self, internet: Internet) -> None:
        self._internet = internet
        self._asked: dict[tuple[str, int], int] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        name, kind = _question(data)
        rounds = self._internet.names.get(name)
        turn = self._asked.get((name, kind), 0)
        self._asked[name, kind] = turn + 1
        if kind == A:
            self._internet.questions.append(name)
        given = rounds[min(turn, len(rounds) - 1)] if rounds else []
        found = [ipaddress.ip_address(one).packed for one in given]
        records = [one for one in found if len(one) == (4 if kind == A else 16)]
        flags = 0x8180 | (0 if rounds else NAME_ERROR)
        packet = data[:2] + struct.pack(">5H", flags, 1, len(records), 0, 0) + data[12:]
        for one in records:
            # 0xC00C points to the name in the question; it may be kept for no second.
            packet += struct.pack(">3HIH", 0xC00C, kind, IN, 0, len(one)) + one
        self._transport.sendto(packet, addr)


def _question(packet: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while length := packet[at]:
        labels.append(packet[at + 1 : at + 1 + length].decode("ascii"))
        at += 1 + length
    return ".".join(labels).lower(), int.from_bytes(packet[at + 1 : at + 3], "big")


def _ask(server: Address, name: str, kind: int) -> list[str]:
    """Ask the name server and return the addresses of its answer."""
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    if not all(0 < len(label) < 64 for label in labels):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    question = encoded + struct.pack(">2H", kind, IN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(ANSWER_SECONDS_MAX)
        line.sendto(struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + question, server)
        packet = line.recv(PACKET_BYTES_MAX)
    count, size = struct.unpack(">H", packet[6:8])[0], 4 if kind == A else 16
    answers = packet[12 + len(question) :]
    step = 12 + size
    packed = [answers[at + 12 : at + step] for at in range(0, count * step, step)]
    return [str(ipaddress.ip_address(one)) for one in packed]


@contextmanager
def name_server(internet: Internet) -> Iterator[Address]:
    """Run the name server in a thread of its own; its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def listen() -> asyncio.DatagramTransport:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _NameServer(internet), local_addr=("127.0.0.1", 0)
        )
        return transport

    async def close(transport: asyncio.DatagramTransport) -> None:
        transport.close()
        # The socket itself is closed in the loop's next turn.
        await asyncio.sleep(0)

    transport = asyncio.run_coroutine_threadsafe(listen(), loop).result(ANSWER_SECONDS_MAX)
    try:
        yield transport.get_extra_info("sockname")
    finally:
        asyncio.run_coroutine_threadsafe(close(transport), loop).result(ANSWER_SECONDS_MAX)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def lay_wires(internet: Internet, names: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process ask that name server and dial that internet."""
    by_library, by_kernel = socket.getaddrinfo, socket.socket.connect

    def resolve(
        host: Any, port: Any, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0
    ) -> list[Any]:
        numeric = flags | socket.AI_NUMERICHOST
        try:
            # Numbers in every spelling the C library knows are its own matter.
            return list(by_library(host, port, family, kind, proto, numeric))
        except socket.gaierror:
            found = [one for record in (A, AAAA) for one in _ask(names, host, record)]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        answers = [by_library(one, port, family, kind, proto, numeric) for one in found]
        return [entry for entries in answers for entry in entries]

    def dial(line: socket.socket, address: Any) -> None:
        host, port = address[:2]
        internet.dialled.append((host, port))
        server = internet.servers.get((host, port))
        if server is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens there")
        by_kernel(
            line, server if line.family == socket.AF_INET else (f"::ffff:{server[0]}", server[1])
        )

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", dial)


@contextmanager
def serving(site: Web, tls: ssl.SSLContext | None = None) -> Iterator[Address]:
    """Serve somebody's pages on this machine; the address behind the public one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.answer(self)

        def do_POST(self) -> None:
            site.answer(self)

        def log_message(self, *_: Any) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield ("127.0.0.1", server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
