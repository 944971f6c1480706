"""`python -m sandbox` on a real port: the SDK over the network, webhooks by themselves, kill -9."""

import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 30


class Receiver:
    """A shop's webhook address on a port of its own."""

    def __init__(self) -> None:
        self.taken: queue.Queue[stripe.Event] = queue.Queue()
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                signature = self.headers["stripe-signature"]
                taken.put(stripe.Webhook.construct_event(body, signature, "whsec_test"))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/stripe"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def until(self, name: str) -> list[str]:
        """The types of the events that come, up to the first one of this type."""
        types: list[str] = []
        while name not in types:
            types.append(str(self.taken.get(timeout=PATIENCE_SECONDS).type))
        return types

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    listening = Receiver()
    yield listening
    listening.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(folder: Path, hook: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A sandbox of its own process: its address and the process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "SANDBOX_PORT": str(port),
        "SANDBOX_URL": url,
        "SANDBOX_DATA": str(folder),
        "STRIPE_SECRET_KEY": "sk_test_process",
        "STRIPE_WEBHOOK_URL": hook,
        "STRIPE_WEBHOOK_SECRET": "whsec_test",
    }
    process = subprocess.Popen([sys.executable, "-m", "sandbox"], cwd=REPOSITORY, env=environment)
    try:
        _wait(url, process)
        yield url, process
    finally:
        process.kill()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    """Returns once it listens; the process ending is the only way it may not."""
    while True:
        try:
            httpx.get(f"{url}/pay")
        except httpx.ConnectError:
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            raise
        return


def client(url: str) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_process", base_addresses={"api": url})


def bought(url: str, number: str) -> str:
    """A session that was paid over the network, its id."""
    price: Any = {"currency": "usd", "unit_amount": 2500, "product_data": {"name": "Credit"}}
    session = client(url).v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "success_url": "http://127.0.0.1:9/thanks",
        }
    )
    assert session.url is not None
    entry = {"email": "ada@example.com", "number": number, "expiry": "12/34", "cvc": "123"}
    answer = httpx.post(session.url, data=entry)
    assert answer.headers["location"] == "http://127.0.0.1:9/thanks"
    return session.id


def test_webhooks_come_by_themselves_and_survive_a_kill(receiver: Receiver, tmp_path: Path) -> None:
    dead = "http://127.0.0.1:9/nobody"
    with running(tmp_path, dead) as (url, process):
        session = bought(url, "4000000000000259")
        process.kill()
        process.wait()
    with running(tmp_path, receiver.url) as (url, _):
        assert client(url).v1.checkout.sessions.retrieve(session).payment_status == "paid"
        came = set(receiver.until("charge.dispute.funds_withdrawn"))
        while "checkout.session.completed" not in came:
            came.add(str(receiver.taken.get(timeout=PATIENCE_SECONDS).type))
        bought(url, "4242424242424242")
        receiver.until("checkout.session.completed")


def test_the_sdks_own_connection_reads_errors_and_lists(receiver: Receiver, tmp_path: Path) -> None:
    with running(tmp_path, receiver.url) as (url, _):
        for _ in range(3):
            client(url).v1.customers.create()
        pages = client(url).v1.customers.list({"limit": 2})
        assert len(list(pages.auto_paging_iter())) == 3
        with pytest.raises(stripe.InvalidRequestError):
            client(url).v1.charges.retrieve("ch_none")
        with pytest.raises(stripe.AuthenticationError):
            stripe.StripeClient("sk_test_x", base_addresses={"api": url}).v1.customers.list()
        assert receiver.until("customer.created") == ["customer.created"]
