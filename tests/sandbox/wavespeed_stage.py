"""A WaveSpeed stand-in in process, with a clock that is moved and an outside world to talk to."""

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import httpx
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.clock import ManualClock
from sandbox.settings import Settings
from sandbox.wavespeed import StandIn

MODEL = "alibaba/happyhorse-1.1/image-to-video"
TEXT_MODEL = "alibaba/happyhorse-1.1/text-to-video"
OUTSIDE = "https://outside.example"
PICTURE_URL = f"{OUTSIDE}/picture.png"
HOOK_URL = f"{OUTSIDE}/hook"
PATIENCE_SECONDS = 30


def picture(width: int = 480, height: int = 320, *, bands: bool = False) -> Image.Image:
    """A gradient that no mirrored or cropped copy of itself resembles."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    third = across.point(lambda level: 255 if bands and level % 64 < 32 else 40)
    return Image.merge("RGB", (across, down, third))


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@dataclass
class Outside:
    """The web beyond the stand-in: pictures to fetch, an address that takes webhooks."""

    pictures: dict[str, bytes] = field(default_factory=lambda: {"picture.png": encoded(picture())})
    hooks: list[tuple[httpx.Headers, bytes]] = field(default_factory=list)
    hook_statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._arrived = asyncio.Condition()
        self.app = Starlette(
            routes=[
                Route("/hook", self._take, methods=["POST"]),
                Route("/moved-hook", self._move, methods=["POST"]),
                Route("/{name}", self._serve),
            ]
        )

    async def hooks_when(self, count: int) -> list[tuple[httpx.Headers, bytes]]:
        """The webhooks, as soon as there are so many."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._arrived:
            await self._arrived.wait_for(lambda: len(self.hooks) >= count)
        return self.hooks

    async def _take(self, request: Request) -> Response:
        self.hooks.append((httpx.Headers(request.headers.raw), await request.body()))
        async with self._arrived:
            self._arrived.notify_all()
        return Response(status_code=self.hook_statuses.pop(0) if self.hook_statuses else 204)

    async def _move(self, request: Request) -> Response:
        await self._take(request)
        return RedirectResponse(HOOK_URL, 307)

    async def _serve(self, request: Request) -> Response:
        content = self.pictures.get(request.path_params["name"])
        return Response(content) if content is not None else Response(status_code=404)


class Stage:
    """One stand-in, entered as a context. `reopened` is the same one after a restart."""

    def __init__(
        self,
        folder: Path,
        clock: ManualClock | None = None,
        outside: Outside | None = None,
        **settings: Any,
    ) -> None:
        self.settings = replace(Settings(data=folder), **settings)
        self.clock = clock or ManualClock()
        self.outside = outside or Outside()
        self.announced = True

    async def __aenter__(self) -> Self:
        self.stand_in = StandIn(
            self.settings,
            self.clock,
            self.clock.pause,
            httpx.ASGITransport(self.outside.app),
        )
        if self.announced:
            self.stand_in.resume()
        self.web = httpx.AsyncClient(
            transport=httpx.ASGITransport(Starlette(routes=self.stand_in.routes)),
            base_url=self.settings.url,
        )
        self.key = {"Authorization": f"Bearer {self.settings.wavespeed_api_key}"}
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.web.aclose()
        self.stand_in.close()

    def reopened(self) -> "Stage":
        return Stage(self.settings.data, self.clock, self.outside)

    async def get(self, path: str) -> httpx.Response:
        return await self.web.get(f"/api/v3{path}", headers=self.key)

    async def post(self, path: str, body: object = None) -> httpx.Response:
        return await self.web.post(f"/api/v3{path}", headers=self.key, json=body)

    async def submit(
        self, prompt: str = "", model: str = MODEL, webhook: str = "", **inputs: object
    ) -> httpx.Response:
        if model == MODEL:
            inputs = {"image": PICTURE_URL} | inputs
        query = {"webhook": webhook} if webhook else {}
        return await self.web.post(
            f"/api/v3/{model}", params=query, headers=self.key, json={"prompt": prompt} | inputs
        )

    async def accepted(self, prompt: str = "", **inputs: Any) -> str:
        answer = await self.submit(prompt, **inputs)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["id"])

    async def result(self, prediction_id: str) -> dict[str, Any]:
        answer = await self.get(f"/predictions/{prediction_id}/result")
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def ended(self, prompt: str = "", **inputs: Any) -> dict[str, Any]:
        """The result of a job once its time has passed."""
        prediction_id = await self.accepted(prompt, **inputs)
        self.clock.advance(self.settings.job_seconds)
        return await self.result(prediction_id)

    async def balance(self) -> float:
        return float((await self.get("/balance")).json()["data"]["balance"])

    async def jobs(self) -> list[dict[str, Any]]:
        """Every accepted job, from the control surface."""
        jobs: list[dict[str, Any]] = (await self.web.get("/_sandbox/predictions")).json()[
            "predictions"
        ]
        return jobs

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The latest job, as soon as that holds of it; other tasks run in between."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                jobs = await self.jobs()
                if jobs and holds(jobs[-1]):
                    return jobs[-1]
                await asyncio.sleep(0)
