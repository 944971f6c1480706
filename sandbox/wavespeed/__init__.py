"""A stand-in for WaveSpeed: its API under /api/v3, its files under /media.

It renders a real film from the picture it is given (a slow push with a quiet chord), charges a
balance that starts at $1000, signs its webhooks, and remembers everything across a restart.

Words in square brackets in a prompt make it go wrong in one chosen way:

| word | the job |
|---|---|
| `[fail]` | ends `failed`, code 1403 |
| `[moderated]` | ends `failed`, code 1200, `has_nsfw_contents` `[true]` |
| `[slow]` | takes ten times as long |
| `[stuck]` | never leaves `processing` |
| `[unreachable]` | completes, but its output answers 404 |
| `[garbage]` | completes, but its output is no video |
| `[short]` | completes one second shorter than asked |
| `[empty]` | completes without outputs |
| `[429]` | is refused with 429 twice for the same picture and prompt, then accepted |
| `[500]` | answers 500 once and takes nothing, then is accepted |
| `[lost]` | is accepted, but the answer is a gateway's 504 without an id |
| `[broke]` | is refused twice with 400 Insufficient credits, then accepted |
| `[cancelled]`, `[timeout]`, `[deleted]` | ends in that status |

`GET /_sandbox/predictions`, without a key, lists every accepted job with its inputs and webhook
deliveries.

Tests that must not sleep pass a `sandbox.clock.ManualClock` as the clock and its `pause` as the
pause: a job, and each try of its webhook, then comes when the clock is advanced to it. A result
that is asked for after its time waits for the film, so it is `completed` at once.
"""

import asyncio
import time
from collections.abc import Callable

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.settings import Settings
from sandbox.wavespeed.account import Account
from sandbox.wavespeed.answers import keyed, refusal
from sandbox.wavespeed.media import Media
from sandbox.wavespeed.predictions import Predictions
from sandbox.wavespeed.store import Store
from sandbox.wavespeed.studio import Pause, Studio

__all__ = ["StandIn", "routes"]

READS_AND_WRITES = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class StandIn:
    """One WaveSpeed, with its state under `settings.data`.

    `transport` replaces the network for the pictures it fetches and the webhooks it sends.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        pause: Pause = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._store = Store(settings.data / "wavespeed")
        media = Media(settings, clock, self._store)
        self._studio = Studio(settings, clock, pause, transport, self._store, media)
        predictions = Predictions(settings, clock, self._store, self._studio)
        account = Account(settings, clock, self._store, self._studio)
        self.routes: list[BaseRoute] = [
            *media.routes(),
            *account.routes(),
            *predictions.routes(),
            predictions.submission(),
            Route(
                "/api/v3/{path:path}",
                keyed(settings.wavespeed_api_key, _not_found),
                methods=READS_AND_WRITES,
            ),
        ]

    def resume(self) -> None:
        """Takes up what an earlier process left unfinished; needs a running event loop."""
        self._studio.resume()

    def close(self) -> None:
        """Stops at once; what is unfinished waits for the next process."""
        self._studio.close()
        self._store.close()


def routes(settings: Settings, clock: Callable[[], float] = time.time) -> list[BaseRoute]:
    """The routes of a stand-in that is never closed."""
    return StandIn(settings, clock).routes


async def _not_found(_request: Request) -> Response:
    return refusal(404, "Not found.")
