"""What the stand-in still knows after its process ended in the middle of things."""

from pathlib import Path

import pytest

from tests.sandbox.wavespeed_stage import HOOK_URL, Stage, encoded, picture

pytestmark = pytest.mark.anyio


async def test_an_unfinished_job_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with Stage(tmp_path) as before:
        prediction_id = await before.accepted(duration=3)
    async with before.reopened() as after:
        assert (await after.result(prediction_id))["status"] == "created"
        after.clock.advance(4)
        data = await after.result(prediction_id)
        assert data["status"] == "completed"
        assert (await after.web.get(data["outputs"][0])).content[4:8] == b"ftyp"


async def test_a_job_that_fell_due_meanwhile_ends_and_is_announced(tmp_path: Path) -> None:
    async with Stage(tmp_path) as before:
        await before.accepted("[fail]", webhook=HOOK_URL)
    before.clock.advance(3600)
    async with before.reopened() as after:
        await after.outside.hooks_when(1)
        assert (await after.jobs())[0]["status"] == "failed"
        assert await after.balance() == 1000


async def test_a_webhook_goes_on_being_tried_after_a_restart(tmp_path: Path) -> None:
    async with Stage(tmp_path) as before:
        before.outside.hook_statuses = [500]
        await before.accepted("[empty]", webhook=HOOK_URL)
        before.clock.advance(4)
        await before.until(lambda job: len(job["deliveries"]) == 1)
    async with before.reopened() as after:
        after.clock.advance(5)
        job = await after.until(lambda job: len(job["deliveries"]) == 2)
        assert [delivery["status"] for delivery in job["deliveries"]] == [500, 204]


async def test_money_secrets_uploads_and_refusals_are_remembered(tmp_path: Path) -> None:
    content = encoded(picture())
    async with Stage(tmp_path) as before:
        await before.accepted("[stuck]")
        assert (await before.submit("[500] [stuck]")).status_code == 500
        secret = (await before.get("/webhook/secret")).json()
        upload = await before.web.post(
            "/api/v3/media/upload/binary", headers=before.key, files={"file": ("a.png", content)}
        )
    async with before.reopened() as after:
        assert await after.balance() == 999.3
        assert (await after.get("/webhook/secret")).json() == secret
        assert (await after.submit("[500] [stuck]")).status_code == 200
        url = upload.json()["data"]["download_url"]
        assert (await after.web.get(url)).content == content


async def test_a_signed_url_outlives_a_restart(tmp_path: Path) -> None:
    async with Stage(tmp_path) as before:
        answer = await before.post("/media/uploads", {"filename": "a.png", "size": 3})
        upload = answer.json()["data"]["upload"]
    async with before.reopened() as after:
        put = await after.web.put(upload["url"], headers=upload["headers"], content=b"abc")
        assert put.status_code == 200


async def test_work_is_resumed_by_the_first_question_when_no_start_was_announced(
    tmp_path: Path,
) -> None:
    async with Stage(tmp_path) as before:
        prediction_id = await before.accepted("[empty]")
    before.clock.advance(4)
    after = before.reopened()
    after.announced = False
    async with after:
        assert (await after.result(prediction_id))["status"] == "completed"


async def test_a_finished_job_costs_nothing_more_after_a_restart(tmp_path: Path) -> None:
    async with Stage(tmp_path) as before:
        prediction_id = (await before.ended("[fail]"))["id"]
    async with before.reopened() as after:
        after.clock.advance(60)
        assert (await after.result(prediction_id))["status"] == "failed"
        assert await after.balance() == 1000
