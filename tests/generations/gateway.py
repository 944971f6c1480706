"""A gateway in front of the sandbox that loses submissions, answers and the history when told."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import httpx

from billing.models import Hold
from generations.models import Generation
from tests.generations import stage
from tests.generations.stage import Status, accepted, fresh

SILENCE_SECONDS_MAX = 30
CALL_SECONDS_MAX = 60
SUBMISSION = "/api/v3/alibaba/"
HISTORY = "/api/v3/predictions"
PASSED_ON = ("Authorization", "Content-Type")

Answer = int | Literal["reset", "silence"] | None


@dataclass
class Gateway:
    """What it does now, and what it saw.

    `takes` says whether submissions reach the sandbox. `submit` and `history` are what their
    callers get instead of its answer: a status, a reset connection, silence, or nothing instead.
    While it `hides`, the history is empty.
    """

    upstream: str
    takes: bool = True
    submit: Answer = None
    history: Answer = None
    hides: bool = False
    submitted: list[dict[str, Any]] = field(default_factory=list)
    readings: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    def pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        """Serve a call."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        instead: Answer = None
        if handler.path.startswith(SUBMISSION):
            self.submitted.append(json.loads(body))
            instead = self.submit
            if not self.takes:
                assert instead is not None, "what is lost has no answer"
                self._answer_instead(handler, instead)
                return
        elif handler.path == HISTORY:
            self.readings += 1
            instead = self.history
        answer = self._ask(handler, body)
        if instead is not None:
            self._answer_instead(handler, instead)
        elif self.hides and handler.path == HISTORY:
            _say(handler, 200, b'{"code":200,"data":{"page":1,"items":[]}}')
        else:
            _say(handler, answer.status_code, answer.content)

    def _ask(self, handler: BaseHTTPRequestHandler, body: bytes) -> httpx.Response:
        headers = {name: handler.headers[name] for name in PASSED_ON if name in handler.headers}
        return httpx.request(
            handler.command,
            self.upstream + handler.path,
            content=body,
            headers=headers,
            timeout=CALL_SECONDS_MAX,
        )

    def _answer_instead(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        handler.close_connection = True
        if answer == "silence":
            self.closing.wait(SILENCE_SECONDS_MAX)
        elif answer == "reset":
            # Closing with no time to linger sends a reset.
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        elif answer is not None:
            _say(handler, int(answer), b"<html>Something went wrong.</html>")


def _say(handler: BaseHTTPRequestHandler, status: int, content: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@contextmanager
def opened(upstream: str) -> Iterator[tuple[str, Gateway]]:
    """Open a gateway before this upstream; yield its address and itself."""
    gateway = Gateway(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            gateway.pass_on(self)

        def do_POST(self) -> None:
            gateway.pass_on(self)

        def log_message(self, *_: Any) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", gateway
    finally:
        gateway.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def assert_known_upstream(job: Generation, sandbox: str) -> None:
    """Check that the job goes on as the one that the upstream took."""
    [taken] = accepted(sandbox, job)
    assert (fresh(job).status, fresh(job).upstream_id) == (Status.PROCESSING, taken["id"])
    assert fresh(job).absent_since is None
    assert stage.hold(job).state == Hold.State.HELD
