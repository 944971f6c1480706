"""Webhooks: their signature, their body, and how long they are tried."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.wavespeed import webhooks
from tests.sandbox.wavespeed_stage import HOOK_URL, OUTSIDE, Stage

pytestmark = pytest.mark.anyio

VECTOR_BODY = (
    b'{"id":"d965d49efbbb49ffa9c7445f0a0cae03","model":"alibaba/happyhorse-1.1/image-to-video",'
    b'"outputs":["https://sim.local/output/a.mp4"],"status":"completed",'
    b'"created_at":"2026-01-01T00:00:00Z","error":"","timings":{"inference":61234}}'
)


def test_the_signature_matches_the_protocol_s_test_vector() -> None:
    assert len(VECTOR_BODY) == 232
    signature = webhooks.signature(
        "whsec_6f2b1c9d8e7a4f305162738495a6b7c8", "msg_0001", "1767225600", VECTOR_BODY
    )
    assert signature == "v3,2c4aa78aa8af62b9375919e0f35247cf8d21dfdb722c72e4574b5379c5a989e3"


async def test_a_webhook_carries_the_bare_prediction_signed_with_the_account_s_secret(
    stage: Stage,
) -> None:
    prediction_id = await stage.accepted("[unreachable]", webhook=f"{HOOK_URL}?job=7")
    stage.clock.advance(4)
    ((headers, body),) = await stage.outside.hooks_when(1)
    assert json.loads(body) == await stage.result(prediction_id)
    assert headers["content-type"] == "application/json"
    assert headers["webhook-timestamp"] == str(int(stage.clock()))
    secret = (await stage.get("/webhook/secret")).json()["data"]["secret"]
    assert headers["webhook-signature"] == webhooks.signature(
        secret, headers["webhook-id"], headers["webhook-timestamp"], body
    )


async def test_the_secret_is_always_the_same_and_needs_the_key(stage: Stage) -> None:
    first = (await stage.get("/webhook/secret")).json()
    assert first["code"] == 200
    assert first["data"]["secret"].startswith("whsec_")
    assert len(first["data"]["secret"]) == 38
    assert (await stage.get("/webhook/secret")).json() == first
    assert (await stage.web.get("/api/v3/webhook/secret")).status_code == 401


async def test_a_failure_is_announced_with_its_code(stage: Stage) -> None:
    await stage.accepted("[fail]", webhook=HOOK_URL)
    stage.clock.advance(4)
    ((_, body),) = await stage.outside.hooks_when(1)
    assert (json.loads(body)["status"], json.loads(body)["code"]) == ("failed", 1403)


@pytest.mark.parametrize("word", ["[cancelled]", "[timeout]", "[deleted]"])
async def test_other_endings_are_not_announced(stage: Stage, word: str) -> None:
    await stage.accepted(word, webhook=HOOK_URL)
    stage.clock.advance(4)
    job = await stage.until(lambda job: job["status"] == word.strip("[]"))
    assert job["announce_at"] is None
    assert stage.outside.hooks == []


async def test_a_webhook_that_arrived_is_not_sent_again(stage: Stage) -> None:
    await stage.accepted("[empty]", webhook=HOOK_URL)
    stage.clock.advance(4)
    job = await stage.until(delivered(1))
    assert job["announce_at"] is None
    assert job["deliveries"] == [{"at": stage.clock(), "status": 204, "error": ""}]


async def test_a_refused_webhook_is_tried_three_times_with_growing_waits(stage: Stage) -> None:
    stage.outside.hook_statuses = [500, 404, 503, 200]
    await stage.accepted("[empty]", webhook=HOOK_URL)
    due = stage.clock() + 4
    for wait, count in ((4, 1), (5, 2), (25, 3), (3600, 3)):
        stage.clock.advance(wait)
        job = await stage.until(delivered(count))
    tries = [(delivery["at"] - due, delivery["status"]) for delivery in job["deliveries"]]
    assert tries == [(0, 500), (5, 404), (30, 503)]
    assert job["announce_at"] is None
    hooks = stage.outside.hooks
    assert len({headers["webhook-id"] for headers, _ in hooks}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in hooks}) == 3
    assert len({body for _, body in hooks}) == 1


def delivered(count: int) -> Callable[[dict[str, Any]], bool]:
    return lambda job: len(job["deliveries"]) == count


async def test_the_second_try_may_arrive(stage: Stage) -> None:
    stage.outside.hook_statuses = [500]
    await stage.accepted("[empty]", webhook=HOOK_URL)
    stage.clock.advance(4)
    await stage.until(delivered(1))
    stage.clock.advance(5)
    job = await stage.until(delivered(2))
    assert (job["deliveries"][1]["status"], job["announce_at"]) == (204, None)


async def test_a_redirect_is_not_followed(stage: Stage) -> None:
    await stage.accepted("[empty]", webhook=f"{OUTSIDE}/moved-hook")
    stage.clock.advance(4)
    job = await stage.until(delivered(1))
    assert job["deliveries"][0]["status"] == 307
    assert len(stage.outside.hooks) == 1
    assert job["announce_at"] == stage.clock() + 5


async def test_a_receiver_that_is_not_there_is_noted() -> None:
    delivery = await webhooks.send("http://127.0.0.1:9/hook", {"id": "x"}, "whsec_a", 7.5, None)
    assert (delivery.at, delivery.status) == (7.5, 0)
    assert delivery.error.startswith("ConnectError")


async def test_an_address_that_is_none_is_noted() -> None:
    delivery = await webhooks.send("http://[::1", {"id": "x"}, "whsec_a", 0, None)
    assert delivery.error.startswith("InvalidURL")
