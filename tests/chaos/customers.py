"""Four customers who submit through the REST API, and know what an answer means.

Only a 200 is a promise. Whoever got none does not repeat blindly: first the account's own list
of jobs is read (here from the database), and only what is not there is submitted once more.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

import httpx
import psycopg

from tests.pictures import draw

MODEL = "alibaba/happyhorse-1.1/image-to-video"
ANSWER_SECONDS_MAX = 60
PAUSE_SECONDS = 0.5
TRIES_MAX = 200
# What goes wrong upstream besides the faults on the way: about every third job.
WORDS = (
    *("[fail]", "[moderated]", "[cancelled]", "[timeout]", "[deleted]", "[stuck]", "[slow]"),
    *("[unreachable]", "[garbage]", "[short]", "[empty]", "[429]", "[500]", "[lost]", "[broke]"),
)
SPOILED_PERCENT = 30
FOREIGN_PERCENT = 20


class NotServed(AssertionError):
    """The site refused what it should take, or never came back."""


@dataclass(frozen=True)
class Order:
    """One job to be: its number is its seed, by which it is found again."""

    number: int
    words: str
    foreign: bool

    def body(self, own_picture: str, foreign_picture: str) -> dict[str, object]:
        """Return what is submitted."""
        return {
            "image": foreign_picture if self.foreign else own_picture,
            "prompt": f"Horse {self.number} {self.words}".strip(),
            "resolution": "720p",
            "duration": 4 if self.words == "[short]" else 3,
            "seed": self.number,
        }


def orders(luck: random.Random, count: int) -> list[Order]:
    """Return the jobs of all customers, numbered from 1."""
    return [
        Order(
            number,
            luck.choice(WORDS) if luck.random() * 100 < SPOILED_PERCENT else "",
            luck.random() * 100 < FOREIGN_PERCENT,
        )
        for number in range(1, count + 1)
    ]


@dataclass
class Customer:
    """An account with its key; `promised` are the ids that were answered with 200, by number."""

    url: str
    database: str
    foreign_picture: str
    account: str
    api_key: str
    promised: dict[int, str] = field(default_factory=dict)
    # How submits went that got no 200: by status code, 0 for no answer at all.
    troubles: Counter[int] = field(default_factory=Counter)
    found: int = 0

    async def submit_all(self, mine: list[Order], gap_seconds: float) -> None:
        """Submit one after the other, so many seconds apart. Raises NotServed."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        async with httpx.AsyncClient(
            base_url=f"{self.url}/api/v3", headers=headers, timeout=ANSWER_SECONDS_MAX
        ) as site:
            picture = await self._upload(site)
            for order in mine:
                await asyncio.sleep(gap_seconds)
                await self._submit(site, order, picture)

    async def _submit(self, site: httpx.AsyncClient, order: Order, picture: str) -> None:
        body = order.body(picture, self.foreign_picture)
        for _ in range(TRIES_MAX):
            answer = await self._post(site, f"/{MODEL}", json=body)
            if answer is not None:
                self.promised[order.number] = str(answer["id"])
                return
            await asyncio.sleep(PAUSE_SECONDS)
            if await self._has(order.number):
                self.found += 1
                return
        raise NotServed(f"job {order.number} was not taken in {TRIES_MAX} tries")

    async def _upload(self, site: httpx.AsyncClient) -> str:
        file = {"file": ("horse.jpg", draw(300, 300), "image/jpeg")}
        for _ in range(TRIES_MAX):
            answer = await self._post(site, "/media/upload/binary", files=file)
            if answer is not None:
                return str(answer["download_url"])
            await asyncio.sleep(PAUSE_SECONDS)
        raise NotServed(f"no picture was taken in {TRIES_MAX} tries")

    async def _post(
        self, site: httpx.AsyncClient, path: str, **content: object
    ) -> dict[str, object] | None:
        """Return the data of a 200, None where nobody knows. Raises NotServed for a refusal."""
        try:
            answer = await site.post(path, **content)  # type: ignore[arg-type]  # json or files
        except httpx.HTTPError:
            self.troubles[0] += 1
            return None
        if answer.is_success:
            data: dict[str, object] = answer.json()["data"]
            return data
        self.troubles[answer.status_code] += 1
        if answer.is_client_error:
            raise NotServed(f"{path} answered {answer.status_code}: {answer.text[:300]}")
        return None

    async def _has(self, number: int) -> bool:
        """Tell whether the account has the job, asking until the database answers."""
        for _ in range(TRIES_MAX):
            try:
                async with await psycopg.AsyncConnection.connect(self.database) as database:
                    rows = await database.execute(
                        "SELECT 1 FROM generations_generation"
                        " WHERE account_id = %s AND (inputs->>'seed')::int = %s",
                        [self.account, number],
                    )
                    return await rows.fetchone() is not None
            except psycopg.OperationalError:
                await asyncio.sleep(PAUSE_SECONDS)
        raise NotServed("the database did not come back")
