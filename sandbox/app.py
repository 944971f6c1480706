"""Both stand-ins as one ASGI application."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from html import escape

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from sandbox import stripe, wavespeed
from sandbox.settings import Settings
from sandbox.stripe.cards import CARDS
from sandbox.wavespeed.magic import WORDS
from sandbox.wavespeed.studio import Pause


def build(
    settings: Settings,
    clock: Callable[[], float] = time.time,
    pause: Pause = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """WaveSpeed under /api/v3 and /media, Stripe under /v1 and /pay, a page about both at /.

    Give a `sandbox.clock.ManualClock` and its `pause` for tests that must not sleep. A transport
    replaces the network for everything the sandbox itself calls. What an earlier process left
    unfinished is taken up when the application starts (ASGI lifespan).
    """
    # Not in the lifespan: an application called in process may never be told that it starts.
    upstream = wavespeed.StandIn(settings, clock, pause, transport)

    @contextlib.asynccontextmanager
    async def running(_app: Starlette) -> AsyncIterator[None]:
        upstream.resume()
        payments = asyncio.create_task(stripe.background(settings, clock, pause))
        yield
        payments.cancel()
        upstream.close()

    routes = [
        Route("/", _page),
        *upstream.routes,
        *stripe.routes(settings, clock, transport),
    ]
    return Starlette(routes=routes, lifespan=running)


async def _page(_request: Request) -> HTMLResponse:
    """What a person at the keyboard needs: the magic words and the test cards."""
    cards = {card.spaced: card.does for card in CARDS}
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Gallop sandbox</title>"
        "<style>body{font:16px/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}"
        "td{padding:.15rem 1.5rem .15rem 0;vertical-align:top}</style>"
        "<h1>Gallop sandbox</h1><p>Stands in for WaveSpeed and Stripe. No money moves.</p>"
        f"<h2>Words for a prompt</h2><p>The job…</p>{_table(WORDS)}"
        f"<h2>Test cards</h2><p>Any date to come, any CVC.</p>{_table(cards)}"
        "<p><a href=/_sandbox/predictions>Accepted video jobs</a> as JSON.</p></html>"
    )


def _table(rows: dict[str, str]) -> str:
    lines = (
        f"<tr><td><code>{escape(name)}</code><td>{escape(does)}" for name, does in rows.items()
    )
    return f"<table>{''.join(lines)}</table>"
