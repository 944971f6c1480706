"""The way to the upstream, made bad: a proxy that plays faults in front of the sandbox.

`python -m tests.chaos.faults PORT …` stands between the site and the sandbox's WaveSpeed, and
between the sandbox's webhooks and the site: the address of a webhook is changed on its way in so
that it comes back through here. `GET /_faults` tells how many calls of each kind there were and
what went wrong; `GET /picture.jpg` is a picture of somebody else's server.
"""

import argparse
import asyncio
import json
import re
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tests.chaos import wire
from tests.chaos.dice import Dice, Fault

PORT_HELP = "where to listen; then the ports of the sandbox and of the site"
# Nobody waits for longer: silence ends when the caller has gone.
SILENCE_SECONDS_MAX = 100
RESET_AFTER_SECONDS = 0.05
HOOK_LATE_SECONDS = 8.0
KINDS = (
    ("GET", r"/picture\.jpg", "picture"),
    ("GET", r"/media/.*", "film"),
    ("PUT", r"/media/.*", "put"),
    ("GET", r"/api/v3/predictions/.*", "poll"),
    ("GET", r"/api/v3/webhook/secret", "secret"),
    ("POST", r"/api/v3/predictions", "history"),
    ("POST", r"/api/v3/media/uploads", "ticket"),
    ("POST", r"/api/v3/alibaba/.*", "submit"),
    ("POST", r"/hooks/.*", "hook"),
)
ANSWERS = {
    Fault.BUSY: wire.answer(
        429, "Too Many", b'{"code":429,"message":"You have reached your concurrency limit"}'
    ),
    Fault.BROKEN: wire.answer(500, "Broken", b'{"code":500,"message":"Internal server error."}'),
    Fault.DOWN: wire.answer(503, "Down", b"<html>503 Service Unavailable</html>", "text/html"),
}
ANSWERS[Fault.BROKEN_AFTER] = ANSWERS[Fault.BROKEN]
ANSWERS[Fault.GATEWAY_AFTER] = wire.answer(504, "Late", b"<html>504</html>", "text/html")
ANSWERS[Fault.PAGE] = wire.answer(200, "OK", b"<html>All is fine.</html>", "text/html")
ANSWERS[Fault.HALF] = wire.answer(200, "OK", b'{"code":200,"message":"success","da')
ANSWERS[Fault.NULL] = wire.answer(200, "OK", b'{"code":200,"message":"success","data":null}')
ANSWERS[Fault.EMPTY] = wire.answer(200, "OK", b"")
NOT_TAKEN = {Fault.BUSY, Fault.BROKEN, Fault.DOWN, Fault.SILENT, Fault.LATE}
SWALLOWED = wire.answer(200, "OK", b"ok", "text/plain")
UNREACHED = wire.answer(502, "Bad Gateway", b"<html>502</html>", "text/html")


@dataclass
class Proxy:
    """One bad way. `late_seconds` is longer than the site waits for an answer."""

    port: int
    sandbox: int
    site: int
    late_seconds: float
    dice: Dice
    picture: bytes
    _errands: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self) -> None:
        """Serve until killed."""
        server = await asyncio.start_server(
            self.connected, "127.0.0.1", self.port, limit=wire.HEAD_BYTES_MAX
        )
        async with server:
            await server.serve_forever()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side has had enough."""
        try:
            while await self._served(await wire.read(reader), reader, writer):
                pass
        except (wire.Hung, OSError):
            # Callers are killed here too, in the middle of anything.
            pass
        finally:
            writer.close()

    async def _served(
        self, request: wire.Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request, or not; False when the connection is to be closed."""
        if request.path == "/_faults":
            return await _say(writer, wire.answer(200, "OK", self._told()))
        kind = kind_of(request)
        fault = self.dice.throw(kind)
        if kind == "hook":
            return await _say(writer, await self._hook(request, fault))
        answer = b"" if fault in NOT_TAKEN else await self.taken(request)
        if fault is Fault.LATE:
            self._later(self.late_seconds, request)
        return await _answered(fault, answer, reader, writer)

    async def taken(self, request: wire.Request) -> bytes:
        """Hand the request to the sandbox and return its answer."""
        if request.path == "/picture.jpg":
            return wire.answer(200, "OK", self.picture, "image/jpeg")
        own, site = (quote(f"http://127.0.0.1:{port}", safe="") for port in (self.port, self.site))
        return await _reached(request.aimed(request.target.replace(site, own)), self.sandbox)

    async def _hook(self, request: wire.Request, fault: Fault | None) -> bytes:
        """Deliver a webhook as the fault says; the sandbox hears the site's last answer."""
        match fault:
            case Fault.HOOK_MISSING:
                return SWALLOWED
            case Fault.HOOK_LATE:
                self._later(HOOK_LATE_SECONDS, request)
                return SWALLOWED
            case Fault.HOOK_TWICE:
                await _reached(request, self.site)
        return await _reached(request, self.site)

    def _later(self, seconds: float, request: wire.Request) -> None:
        async def run() -> None:
            await asyncio.sleep(seconds)
            if request.path.startswith("/hooks/"):
                await _reached(request, self.site)
            else:
                await self.taken(request)

        # Kept by name because the loop holds tasks weakly.
        errand = asyncio.create_task(run())
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    def _told(self) -> bytes:
        faults = {f"{kind}: {fault}": count for (kind, fault), count in self.dice.faults.items()}
        told = {"calls": self.dice.calls, "faults": faults, "errands": len(self._errands)}
        return json.dumps(told).encode()


def kind_of(request: wire.Request) -> str:
    """Return what kind of call this is: a name of dice.FAULTS."""
    for method, path, kind in KINDS:
        if request.method == method and re.fullmatch(path, request.path):
            return kind
    return "other"


async def _reached(request: wire.Request, port: int) -> bytes:
    try:
        return await wire.send_on(request, port)
    except wire.Hung:
        return UNREACHED


async def _answered(
    fault: Fault | None, answer: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Answer as the fault says; False when the connection is to be closed."""
    match fault:
        case None:
            said = answer
        case Fault.SILENT | Fault.SILENT_AFTER | Fault.LATE:
            return await _keep_silent(reader)
        case Fault.LOST:
            return False
        case Fault.RESET:
            return await _reset(writer, answer)
        case _:
            said = ANSWERS[fault]
    return await _say(writer, said)


async def _say(writer: asyncio.StreamWriter, answer: bytes) -> bool:
    writer.write(answer)
    await writer.drain()
    return True


async def _keep_silent(reader: asyncio.StreamReader) -> bool:
    """Wait until the caller has had enough."""
    try:
        async with asyncio.timeout(SILENCE_SECONDS_MAX):
            await reader.read(1)
    except TimeoutError:
        pass
    return False


async def _reset(writer: asyncio.StreamWriter, answer: bytes) -> bool:
    """Send half of the answer, then RST instead of FIN: what a crashing gateway does."""
    writer.write(answer[: len(answer) - len(answer.partition(wire.END)[2]) // 2 - 1])
    await writer.drain()
    # The reset overtakes bytes that the caller has not read yet.
    await asyncio.sleep(RESET_AFTER_SECONDS)
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("ports", type=int, nargs=3, help=PORT_HELP)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--percent", type=float, required=True)
    parser.add_argument("--late-seconds", type=float, required=True)
    parser.add_argument("--picture", type=Path, required=True)
    asked = parser.parse_args()
    dice = Dice(asked.seed, asked.percent)
    port, sandbox, site = asked.ports
    picture = asked.picture.read_bytes()
    proxy = Proxy(port, sandbox, site, asked.late_seconds, dice, picture)
    asyncio.run(proxy.serve())


if __name__ == "__main__":
    main()
