"""A customer's program: it knows both web servers, and repeats what it got no answer to.

It repeats with the same Idempotency-Key, at the other server first, and looks nowhere else: what
it was promised must be one job, whichever server died between the two tries.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.pictures import draw

MODEL = "/api/v3/alibaba/happyhorse-1.1/image-to-video"
UPLOAD = "/api/v3/media/upload/binary"
ANSWER_SECONDS_MAX = 60
PAUSE_SECONDS = 0.1
TRIES_MAX = 20
# How a try ended without an answer: in the middle of it, or before it had begun.
BROKEN, REFUSED = "broken", "refused"
# The upstream takes such a job and fails it at once: what is left is the cost of submitting.
WITHOUT_FILM = "[fail]"


class NotServed(AssertionError):
    """The site refused what it should take, or never came back."""


@dataclass(frozen=True)
class Promise:
    """One answered submission: our number, the job's id, and the customer's time (Unix seconds)."""

    number: int
    job: str
    began_at: float
    answered_at: float
    tries: int
    # Answered from what is kept under the key: the first try had come through, without an answer.
    repeated: bool


@dataclass
class Program:
    """One customer's; `addresses` are asked in turn, the number of the job says which first."""

    addresses: list[str]
    account: str
    api_key: str
    picture: str = ""
    promises: list[Promise] = field(default_factory=list)
    # How tries went that got no 200: BROKEN, REFUSED, or the status code.
    troubles: Counter[str] = field(default_factory=Counter)
    # What waits for an answer, by its Idempotency-Key: the server that was asked.
    in_flight: dict[str, str] = field(default_factory=dict)

    def open(self) -> httpx.AsyncClient:
        """Return what it speaks HTTP with; whoever asks closes it."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return httpx.AsyncClient(headers=headers, timeout=ANSWER_SECONDS_MAX)

    async def upload(self, client: httpx.AsyncClient) -> None:
        """Give the picture that all its films begin with."""
        file = {"file": ("horse.jpg", draw(300, 300), "image/jpeg")}
        answer = await client.post(self.addresses[0] + UPLOAD, files=file)
        self.picture = str(answer.raise_for_status().json()["data"]["download_url"])

    async def submit(self, client: httpx.AsyncClient, number: int, words: str) -> Promise:
        """Ask for a film of 3 s until it is promised. Raises NotServed."""
        body = {
            "image": self.picture,
            "prompt": f"Horse {number} {words}".strip(),
            "resolution": "720p",
            "duration": 3,
            "seed": number,
        }
        began_at = time.time()
        for tried in range(TRIES_MAX):
            address = self.addresses[(number + tried) % len(self.addresses)]
            answer = await self._try(client, address, number, body)
            if answer is not None:
                job = str(answer.json()["data"]["id"])
                repeated = "Idempotent-Replayed" in answer.headers
                promise = Promise(number, job, began_at, time.time(), tried + 1, repeated)
                self.promises.append(promise)
                return promise
            await asyncio.sleep(PAUSE_SECONDS)
        raise NotServed(f"job {number} was not taken in {TRIES_MAX} tries")

    async def _try(
        self, client: httpx.AsyncClient, address: str, number: int, body: dict[str, Any]
    ) -> httpx.Response | None:
        """Return a 200, None where nobody knows. Raises NotServed for a refusal."""
        key = f"{self.account}-{number}"
        self.in_flight[key] = address
        try:
            headers = {"Idempotency-Key": key}
            answer = await client.post(address + MODEL, json=body, headers=headers)
        except httpx.ConnectError:
            self.troubles[REFUSED] += 1
            return None
        except httpx.TransportError:
            self.troubles[BROKEN] += 1
            return None
        finally:
            del self.in_flight[key]
        if answer.is_client_error:
            raise NotServed(f"job {number}: {answer.status_code} {answer.text[:300]}")
        if not answer.is_success:
            self.troubles[str(answer.status_code)] += 1
            return None
        return answer

    async def film(self, client: httpx.AsyncClient, address: str, job: str) -> bytes:
        """Read a finished film through one web server, which sends us to the bucket for it."""
        found = await client.get(f"{address}/api/v3/predictions/{job}/result")
        [film] = found.raise_for_status().json()["data"]["outputs"]
        # The address in the answer is the site's own, which a balancer would lead to this server.
        content = await client.get(address + httpx.URL(film).raw_path.decode())
        if content.status_code != httpx.codes.FOUND:
            raise NotServed(f"film of {job}: {content.status_code} {content.text[:300]}")
        # Its own client: the bucket must not be shown our key.
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX) as stranger:
            return (await stranger.get(content.headers["Location"])).raise_for_status().content
