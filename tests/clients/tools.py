"""A small host of an MCP server: speaks the protocol on the server's stdin and stdout.

Source: the Model Context Protocol, revision 2025-06-18: one JSON-RPC message a line.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import node
from tests.clients.program import RUN_SECONDS_MAX, Customer, environment

SERVER = "node_modules/@wavespeed/mcp/dist/index.js"
PROTOCOL = "2025-06-18"


class Refused(Exception):
    """The tool answered with an error; its words are what the model on the other side reads."""


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    asked: int = 0

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Send a request and return its result."""
        self.asked += 1
        self.tell(method, id=self.asked, params=params)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self.asked:
                result: dict[str, Any] = answer["result"]
                return result
        raise AssertionError(f"the server ended without an answer to {method}")

    def tell(self, method: str, **rest: object) -> None:
        """Send a message."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", "method": method, **rest}) + "\n")
        self.process.stdin.flush()

    def use(self, tool: str, **arguments: object) -> Any:
        """Call a tool and return what its answer says. Raises Refused."""
        result = self.ask("tools/call", name=tool, arguments=arguments)
        [content] = result["content"]
        if result.get("isError"):
            raise Refused(content["text"])
        return json.loads(content["text"])


@contextmanager
def running(customer: Customer, home: Path) -> Iterator[Server]:
    """Start the server with our address and a key, shake hands, and stop it at the end."""
    with subprocess.Popen(
        node.script(SERVER),
        env=environment(home, WAVESPEED_BASE_URL=customer.url, WAVESPEED_API_KEY=customer.key),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        # A server that hangs must not hang the tests.
        alarm = threading.Timer(RUN_SECONDS_MAX, process.kill)
        alarm.start()
        try:
            server = Server(process)
            about = {"name": "tests", "version": "1"}
            server.ask("initialize", protocolVersion=PROTOCOL, capabilities={}, clientInfo=about)
            server.tell("notifications/initialized")
            yield server
        finally:
            alarm.cancel()
            process.terminate()
