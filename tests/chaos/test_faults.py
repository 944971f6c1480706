"""What a caller and the sandbox see of each fault, over real sockets."""

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from tests.chaos import wire
from tests.chaos.dice import Dice, Fault
from tests.chaos.faults import Proxy, kind_of

SUBMIT = "/api/v3/alibaba/happyhorse-1.1/image-to-video"
READ_SECONDS = 0.3
LATE_SECONDS = 0.6
HANGUP_SECONDS = 0.1


class Loaded(Dice):
    """Dice that always show the same fault."""

    def __init__(self, fault: Fault | None) -> None:
        super().__init__(0, 100)
        self.fault = fault

    def throw(self, kind: str) -> Fault | None:
        """Return the one fault."""
        self.calls[kind] += 1
        return self.fault


class Listener:
    """A server that counts what reaches it, and says so much that half of it can be cut off."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        self.heard[(await wire.read(reader)).target] += 1
        writer.write(wire.answer(200, "OK", b'{"data":"' + b"x" * 1000 + b'"}'))
        await writer.drain()
        writer.close()


async def call(
    fault: Fault | None, target: str, after_seconds: float = 0
) -> tuple[str, Counter[str]]:
    """POST once through a proxy that plays the fault; return what was seen at both ends."""
    listener = Listener()
    sandbox = await asyncio.start_server(listener.answer, "127.0.0.1", 0)
    port = sandbox.sockets[0].getsockname()[1]
    proxy = Proxy(9, port, port, LATE_SECONDS, Loaded(fault), b"")
    way = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{way.sockets[0].getsockname()[1]}"
    async with httpx.AsyncClient(base_url=base, timeout=READ_SECONDS) as client:
        try:
            answer = await client.post(target, json={"a": 1})
            seen = f"{answer.status_code} {len(answer.content)}"
        except httpx.HTTPError as error:
            seen = type(error).__name__
        await asyncio.sleep(after_seconds)
    way.close()
    sandbox.close()
    # Connections that the client has closed end by themselves, errands of late calls do not yet.
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others, timeout=HANGUP_SECONDS)
    return seen, listener.heard


@pytest.mark.parametrize(
    ("fault", "seen", "taken"),
    [
        (None, "200 1011", 1),
        (Fault.BUSY, "429 64", 0),
        (Fault.BROKEN, "500 47", 0),
        (Fault.DOWN, "503 36", 0),
        (Fault.BROKEN_AFTER, "500 47", 1),
        (Fault.GATEWAY_AFTER, "504 16", 1),
        (Fault.SILENT, "ReadTimeout", 0),
        (Fault.SILENT_AFTER, "ReadTimeout", 1),
        (Fault.LATE, "ReadTimeout", 0),
        (Fault.LOST, "RemoteProtocolError", 1),
        (Fault.RESET, "ReadError", 1),
        (Fault.EMPTY, "200 0", 1),
    ],
)
def test_a_caller_sees_the_fault_and_the_sandbox_takes_the_call_or_not(
    fault: Fault | None, seen: str, taken: int
) -> None:
    found, heard = asyncio.run(call(fault, SUBMIT))
    assert (found, heard.total()) == (seen, taken)


def test_a_late_call_is_taken_after_its_caller_has_gone() -> None:
    seen, heard = asyncio.run(call(Fault.LATE, SUBMIT, after_seconds=LATE_SECONDS))
    assert (seen, heard.total()) == ("ReadTimeout", 1)


@pytest.mark.parametrize(
    ("fault", "times"),
    [(None, 1), (Fault.HOOK_TWICE, 2), (Fault.HOOK_MISSING, 0), (Fault.HOOK_LATE, 0)],
)
def test_webhooks_come_once_twice_or_not_yet(fault: Fault | None, times: int) -> None:
    seen, heard = asyncio.run(call(fault, "/hooks/wavespeed/1"))
    assert seen.startswith("200")
    assert heard.total() == times


def test_a_webhooks_address_leads_back_through_the_proxy() -> None:
    async def submit(site: Callable[[int], str]) -> list[str]:
        listener = Listener()
        sandbox = await asyncio.start_server(listener.answer, "127.0.0.1", 0)
        port = sandbox.sockets[0].getsockname()[1]
        proxy = Proxy(9, port, 8, LATE_SECONDS, Loaded(None), b"")
        await proxy.taken(wire.Request("POST", f"{SUBMIT}?webhook={site(8)}%2Fhooks", b"", b""))
        sandbox.close()
        return list(listener.heard)

    def site(port: int) -> str:
        return f"http%3A%2F%2F127.0.0.1%3A{port}"

    assert asyncio.run(submit(site)) == [f"{SUBMIT}?webhook={site(9)}%2Fhooks"]


@pytest.mark.parametrize(
    ("method", "target", "kind"),
    [
        ("POST", SUBMIT + "?webhook=x", "submit"),
        ("POST", "/api/v3/predictions", "history"),
        ("GET", "/api/v3/predictions/1/result", "poll"),
        ("POST", "/api/v3/media/uploads", "ticket"),
        ("PUT", "/media/uploads/1/a.jpg?signature=x", "put"),
        ("GET", "/media/outputs/1.mp4", "film"),
        ("GET", "/api/v3/balance", "other"),
    ],
)
def test_calls_are_told_apart(method: str, target: str, kind: str) -> None:
    assert kind_of(wire.Request(method, target, b"", b"")) == kind
