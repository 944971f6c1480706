"""A customer's program repeats what got no answer, under the same key, at the other server."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.ports import free_port
from tests.scale.programs import BROKEN, REFUSED, NotServed, Program, Promise

Answer = Callable[[BaseHTTPRequestHandler], None]


class Servers:
    """Servers of this test, and what was asked of each: (server, key, body), in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []

    @contextmanager
    def serving(self, name: str, answer: Answer) -> Iterator[str]:
        """Answer every POST so until the block ends; the address."""
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked.append((name, self.headers["Idempotency-Key"], json.loads(body)))
                answer(self)

            def log_message(self, *_: Any) -> None:
                """Keep the test output clean."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()


def promise(handler: BaseHTTPRequestHandler, **headers: str) -> None:
    """Answer 200 with a job."""
    content = b'{"data": {"id": "the-job"}}'
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


def again(handler: BaseHTTPRequestHandler) -> None:
    """Answer as the site does what it has answered before."""
    promise(handler, Idempotent_Replayed="true")


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Say nothing, as a server that is killed."""
    handler.close_connection = True


def refuse(status: int) -> Answer:
    """Return what answers so."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def submit(program: Program) -> Promise:
    """Ask for job 2, so that the first address is asked first."""

    async def once() -> Promise:
        async with program.open() as client:
            return await program.submit(client, 2, "")

    return asyncio.run(once())


def test_a_connection_that_breaks_is_tried_again_at_the_other_server_with_the_same_key() -> None:
    servers = Servers()
    with servers.serving("dying", hang_up) as dying, servers.serving("living", again) as living:
        program = Program([dying, living], "alice", "key")
        made = submit(program)

    assert (made.job, made.tries, made.repeated) == ("the-job", 2, True)
    assert program.troubles == {BROKEN: 1}
    (first, key, body), (second, key_again, body_again) = servers.asked
    assert (first, second) == ("dying", "living")
    assert (key, body) == (key_again, body_again)
    assert key == "alice-2"


def test_a_dead_server_is_told_from_one_that_dies() -> None:
    servers = Servers()
    with servers.serving("living", promise) as living:
        program = Program([f"http://127.0.0.1:{free_port()}", living], "alice", "key")
        made = submit(program)

    assert (made.tries, made.repeated) == (2, False)
    assert program.troubles == {REFUSED: 1}
    assert program.in_flight == {}


def test_trouble_of_the_server_is_tried_again_and_a_refusal_is_not() -> None:
    servers = Servers()
    with servers.serving("down", refuse(503)) as down, servers.serving("no", refuse(402)) as no:
        program = Program([down, no], "alice", "key")
        with pytest.raises(NotServed, match="job 2: 402"):
            submit(program)

    assert program.troubles == {"503": 1}
    assert [name for name, _, _ in servers.asked] == ["down", "no"]
    assert program.promises == []
