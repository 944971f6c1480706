"""Placing a job: what the answer holds, what is refused and in which words."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.clock import ManualClock
from tests.sandbox.wavespeed_stage import MODEL, PICTURE_URL, TEXT_MODEL, Stage

pytestmark = pytest.mark.anyio


async def test_a_submission_answers_with_the_documented_envelope(stage: Stage) -> None:
    stage.clock.now = 1_790_723_383.027
    answer = await stage.submit("a fox [stuck]")
    body = answer.json()
    assert (answer.status_code, body["code"], body["message"]) == (200, 200, "success")
    data = body["data"]
    assert re.fullmatch("[0-9a-f]{32}", data["id"])
    assert data["urls"]["get"] == f"{stage.settings.url}/api/v3/predictions/{data['id']}/result"
    assert data["created_at"] == "2026-09-29T23:09:43.027Z"
    assert (data["status"], data["outputs"], data["error"]) == ("created", [], "")
    assert (data["has_nsfw_contents"], data["executionTime"]) == ([], 0)
    assert data["timings"] == {"inference": 0}


async def test_a_submission_shows_its_inputs_with_their_defaults(stage: Stage) -> None:
    data = (await stage.submit("[stuck]")).json()["data"]
    assert data["model"] == MODEL
    assert data["input"] == {
        "image": PICTURE_URL,
        "prompt": "[stuck]",
        "resolution": "720p",
        "duration": 5,
        "seed": -1,
    }


async def test_text_to_video_defaults_to_a_wide_film(stage: Stage) -> None:
    data = (await stage.submit("a fox [stuck]", TEXT_MODEL)).json()["data"]
    assert data["input"]["aspect_ratio"] == "16:9"
    assert "image" not in data["input"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            {"resolution": "480p"},
            (
                'field "resolution" must be one of ["720p", "1080p"], got string "480p"; '
                "please use one of the allowed values"
            ),
        ),
        ({"duration": 2}, 'field "duration" must be between 3 and 15, got number 2'),
        ({"duration": 16}, 'field "duration" must be between 3 and 15, got number 16'),
        ({"duration": "5"}, 'field "duration" must be an integer, got string "5"'),
        ({"duration": 5.5}, 'field "duration" must be an integer, got number 5.5'),
        ({"duration": True}, 'field "duration" must be an integer, got boolean true'),
        ({"seed": 2_147_483_648}, 'field "seed" must be between -1 and 2147483647'),
        ({"seed": -2}, 'field "seed" must be between -1 and 2147483647, got number -2'),
        ({"prompt": "x" * 2501}, 'field "prompt" must be at most 2500 characters, got 2501'),
        ({"prompt": ["x"]}, 'field "prompt" must be a string, got array ["x"]'),
        ({"prompt": None}, 'field "prompt" is required'),
        ({"image": None}, 'field "image" is required'),
        ({"image": "ftp://outside.example/a.png"}, 'field "image" must be an http or https URL'),
        ({"image": "data:image/png;base64,AA=="}, 'field "image" must be an http or https URL'),
        ({"size": "1280*720"}, 'field "size" is not allowed'),
        ({"enable_sync_mode": "yes"}, 'field "enable_sync_mode" must be a boolean'),
    ],
)
async def test_bad_input_is_refused_by_name_and_costs_nothing(
    stage: Stage, inputs: dict[str, object], message: str
) -> None:
    answer = await stage.post(f"/{MODEL}", {"image": PICTURE_URL, "prompt": ""} | inputs)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert answer.json()["message"].startswith(message)
    assert await stage.balance() == 1000
    assert await stage.jobs() == []


@pytest.mark.parametrize(
    "inputs",
    [
        {"duration": 3, "seed": -1, "resolution": "1080p"},
        {"duration": 15, "seed": 2_147_483_647},
        {"duration": 5.0, "seed": 0},
        {"prompt": "[stuck]" + "x" * 2493},
    ],
)
async def test_the_edges_of_every_range_are_accepted(stage: Stage, inputs: dict[str, Any]) -> None:
    answer = await stage.submit(**({"prompt": "[stuck]"} | inputs))
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json()["data"]["input"]["duration"], int)


async def test_text_to_video_wants_words_and_takes_no_picture(stage: Stage) -> None:
    empty = await stage.submit("", TEXT_MODEL)
    assert empty.json()["message"].startswith('field "prompt" must not be empty')
    illustrated = await stage.submit("a fox", TEXT_MODEL, image=PICTURE_URL)
    assert illustrated.json()["message"].startswith('field "image" is not allowed')
    crooked = await stage.submit("a fox", TEXT_MODEL, aspect_ratio="2:1")
    assert crooked.json()["message"].startswith('field "aspect_ratio" must be one of ["16:9"')


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'"text"',
        b"\xff",
        b'{"duration": NaN}',
        b'{"duration": 1e999}',
        b'{"prompt": "\\ud800"}',
        b"[" * 100_000,
        b'{"seed": ' + b"9" * 5000 + b"}",
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(stage: Stage, raw: bytes) -> None:
    answer = await stage.web.post(f"/api/v3/{MODEL}", headers=stage.key, content=raw)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Request body must be")


async def test_a_body_of_megabytes_is_refused(stage: Stage) -> None:
    raw = b" " * 1_000_001
    answer = await stage.web.post(f"/api/v3/{MODEL}", headers=stage.key, content=raw)
    assert answer.status_code == 413


@pytest.mark.parametrize("header", [None, "Bearer other", "sandbox", "Bearer sandböx"])
async def test_a_wrong_key_is_refused(stage: Stage, header: str | None) -> None:
    headers = [(b"Authorization", header.encode())] if header else []
    answer = await stage.web.post(f"/api/v3/{MODEL}", headers=headers, json={})
    assert (answer.status_code, answer.json()["code"]) == (401, 401)
    assert answer.json()["message"].startswith(
        "Invalid API key. Verify the key on your dashboard's API Keys page, or contact support@"
    )


async def test_an_unknown_model_is_not_found(stage: Stage) -> None:
    answer = await stage.post("/no/such-model", {})
    assert answer.status_code == 404
    assert answer.json() == {
        "code": 404,
        "message": 'Model "no/such-model" not found. Please check the model identifier.',
    }


async def test_an_unknown_address_answers_in_the_same_form(stage: Stage) -> None:
    answer = await stage.get("/nothing/here")
    assert (answer.status_code, answer.json()) == (404, {"code": 404, "message": "Not found."})


@pytest.mark.parametrize("url", ["gopher://x", "javascript:1", "https://x/" + "a" * 2000])
async def test_a_webhook_address_must_be_a_url(stage: Stage, url: str) -> None:
    answer = await stage.submit("[stuck]", webhook=url)
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid webhook URL.")


@pytest.mark.parametrize(
    ("inputs", "balance"),
    [
        ({}, 999.3),
        ({"duration": 3}, 999.58),
        ({"resolution": "1080p"}, 999.055),
        ({"resolution": "1080p", "duration": 15}, 997.165),
    ],
)
async def test_a_submission_is_charged_at_once_to_the_tenth_of_a_cent(
    stage: Stage, inputs: dict[str, Any], balance: float
) -> None:
    await stage.accepted("[stuck]", **inputs)
    assert await stage.balance() == balance


async def test_without_credit_nothing_more_is_accepted(stage: Stage) -> None:
    stage.stand_in._store._database.execute(
        "insert into bill (uuid, prediction_id, kind, price_micros, created_at)"
        " values ('u', 'p', 'deduct', 999400000, 0)"
    )
    refused = await stage.submit("[stuck]")
    assert refused.status_code == 400
    assert refused.json()["message"] == (
        "Insufficient credits. Please top up your account to continue."
    )
    assert (await stage.submit("[stuck]", duration=4)).status_code == 200


async def test_jobs_above_the_concurrency_limit_are_refused_until_one_ends(
    tmp_path: Path,
) -> None:
    async with Stage(tmp_path, concurrency=2) as stage:
        first = await stage.accepted("[empty]")
        await stage.accepted("[stuck]")
        refused = await stage.submit("[stuck]")
        assert refused.status_code == 429
        assert refused.json()["message"] == "You have reached your concurrency limit"
        stage.clock.advance(4)
        await stage.result(first)
        assert (await stage.submit("[stuck]")).status_code == 200


async def test_jobs_above_the_limit_per_minute_are_refused_for_a_minute(tmp_path: Path) -> None:
    async with Stage(tmp_path, per_minute=1) as stage:
        await stage.accepted("[stuck]")
        stage.clock.advance(59)
        assert (await stage.submit("[stuck]")).status_code == 429
        stage.clock.advance(1)
        assert (await stage.submit("[stuck]")).status_code == 200


async def test_sync_mode_answers_when_the_job_is_over(stage: Stage) -> None:
    waiting = asyncio.create_task(stage.submit("[fail]", enable_sync_mode=True))
    await stage.until(bool)
    assert not waiting.done()
    stage.clock.advance(4)
    data = (await waiting).json()["data"]
    assert (data["status"], data["code"]) == ("failed", 1403)


async def test_sync_mode_gives_up_after_ninety_seconds_and_the_job_goes_on(
    tmp_path: Path,
) -> None:
    async with Stage(tmp_path, job_seconds=100) as stage:
        waiting = asyncio.create_task(stage.submit("[empty]", enable_sync_mode=True))
        await stage.until(bool)
        stage.clock.advance(90)
        answer = await waiting
        data = answer.json()["data"]
        assert (answer.status_code, data["status"], data["code"]) == (200, "processing", 5004)
        assert data["error"] == (
            "Sync mode timed out after 90 seconds. "
            "The prediction is still processing asynchronously."
        )
        stage.clock.advance(10)
        assert (await stage.result(data["id"]))["status"] == "completed"


async def test_a_manual_clock_wakes_only_those_whose_time_has_come() -> None:
    clock = ManualClock(now=100)
    early, late = (asyncio.create_task(clock.pause(seconds)) for seconds in (5, 6))
    await asyncio.sleep(0)
    clock.advance(5)
    await early
    assert (clock(), late.done()) == (105, False)
    clock.advance(1)
    await late
