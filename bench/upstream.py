"""An upstream that is nothing but history: a part of bench_watch, not run by hand.

It speaks two calls of WaveSpeed's protocol, the history page and the single result, for a fixed
number of jobs that all run at the start and end at random moments, the same for the same seed.
"""

import asyncio
import json
import random
import sys
import time

SEED = 20260929


def name(number: int) -> str:
    """Return the upstream's id of a job."""
    return f"{number:032x}"


def ends(count: int, span: float) -> list[float]:
    """Return when each job ends, in seconds after the start."""
    chance = random.Random(SEED)
    return [chance.uniform(0, span) for _ in range(count)]


def shown(number: int, status: str, outputs: list[str]) -> bytes:
    """Return a job as history and result show it."""
    address = f"https://api.wavespeed.invalid/api/v3/predictions/{name(number)}/result"
    item = {
        "id": name(number),
        "model": "alibaba/happyhorse-1.1/image-to-video",
        "outputs": outputs,
        "urls": {"get": address},
        "has_nsfw_contents": [False] * len(outputs),
        "status": status,
        "created_at": "2026-09-29T23:09:43.027000000Z",
        "error": "",
        "executionTime": 61_234,
        "timings": {"inference": 61_234},
    }
    return json.dumps(item).encode()


class Book:
    """All jobs, newest first, each written once as running and once as completed."""

    def __init__(self, count: int, span: float) -> None:
        self.begun_at = float("inf")
        self._ends = ends(count, span)
        self._running = [shown(n, "processing", []) for n in range(count)]
        self._ended = [shown(n, "completed", [f"https://x.invalid/{n}.mp4"]) for n in range(count)]

    def answer(self, method: bytes, path: bytes, body: bytes) -> bytes:
        """Return the whole answer to a request, as bytes."""
        if method == b"POST":
            asked = json.loads(body)
            last = len(self._ends) - 1 - (asked["page"] - 1) * asked["page_size"]
            numbers = range(last, max(last - asked["page_size"], -1), -1)
            items = b",".join(self._now(number) for number in numbers)
            content = b'{"page":%d,"items":[%s]}' % (asked["page"], items)
        else:
            content = self._now(int(path.split(b"/")[4], 16))
        content = b'{"code":200,"message":"success","data":%s}' % content
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)

    def _now(self, number: int) -> bytes:
        ended = time.time() >= self.begun_at + self._ends[number]
        return self._ended[number] if ended else self._running[number]


async def serve(book: Book, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection until the other side leaves it."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            method, path, _ = head.split(b" ", 2)
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            writer.write(book.answer(method, path, await reader.readexactly(int(length or 0))))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(count: int, span: float) -> None:
    """Print the port, read from stdin when the jobs began, and serve until stdin closes."""
    book = Book(count, span)
    server = await asyncio.start_server(lambda *pair: serve(book, *pair), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        while line := await asyncio.to_thread(sys.stdin.readline):
            book.begun_at = float(line)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
