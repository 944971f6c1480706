"""Both stand-ins in one application: side by side, started and stopped together."""

from pathlib import Path

import httpx
import pytest

from sandbox.app import build
from sandbox.clock import ManualClock
from sandbox.settings import Settings
from sandbox.stripe.cards import CARDS
from sandbox.wavespeed.magic import WORDS
from tests.sandbox.wavespeed_stage import HOOK_URL, MODEL, PICTURE_URL, Outside

pytestmark = pytest.mark.anyio

KEY = {"Authorization": "Bearer sandbox"}


async def test_both_services_answer_under_one_address(tmp_path: Path) -> None:
    app = build(Settings(data=tmp_path), ManualClock())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://box") as web,
    ):
        assert (await web.get("/api/v3/balance", headers=KEY)).json()["data"]["balance"] == 1000
        stripe = await web.get("/v1/checkout/sessions", auth=("sk_test_sandbox", ""))
        assert (stripe.status_code, stripe.json()["object"]) == (200, "list")
        assert (await web.get("/v1/checkout/sessions")).status_code == 401


async def test_the_front_page_lists_every_word_and_every_card(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(build(Settings(data=tmp_path)))
    async with httpx.AsyncClient(transport=transport, base_url="http://box") as web:
        page = await web.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert [word for word in WORDS if word not in page.text] == []
    assert [card.spaced for card in CARDS if card.spaced not in page.text] == []


async def test_a_start_takes_up_what_an_earlier_one_left(tmp_path: Path) -> None:
    clock, outside = ManualClock(), Outside()
    transport = httpx.ASGITransport(outside.app)
    first = build(Settings(data=tmp_path), clock, clock.pause, transport)
    async with (
        first.router.lifespan_context(first),
        httpx.AsyncClient(transport=httpx.ASGITransport(first), base_url="http://box") as web,
    ):
        answer = await web.post(
            f"/api/v3/{MODEL}",
            params={"webhook": HOOK_URL},
            headers=KEY,
            json={"image": PICTURE_URL, "prompt": "[fail]"},
        )
        assert answer.status_code == 200
    clock.advance(4)
    second = build(Settings(data=tmp_path), clock, clock.pause, transport)
    async with second.router.lifespan_context(second):
        ((_, body),) = await outside.hooks_when(1)
    assert answer.json()["data"]["id"].encode() in body
