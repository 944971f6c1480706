"""Reading jobs back: the status over time, the history and its filters, removal."""

from typing import Any

import pytest

from tests.sandbox.wavespeed_stage import MODEL, PICTURE_URL, TEXT_MODEL, Stage

pytestmark = pytest.mark.anyio

DAY_SECONDS = 24 * 3600


async def history(stage: Stage, **asked: Any) -> dict[str, Any]:
    answer = await stage.post("/predictions", asked)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def listed(stage: Stage, **asked: Any) -> list[str]:
    return [item["id"] for item in (await history(stage, **asked))["items"]]


async def test_the_status_follows_the_clock(stage: Stage) -> None:
    prediction_id = await stage.accepted("[empty]")
    seen = [(await stage.result(prediction_id))["status"]]
    for seconds in (0.5, 3.4, 0.1):
        stage.clock.advance(seconds)
        seen.append((await stage.result(prediction_id))["status"])
    assert seen == ["created", "processing", "processing", "completed"]


async def test_both_addresses_of_a_result_answer_the_same(stage: Stage) -> None:
    prediction_id = await stage.accepted("[stuck]")
    short = await stage.get(f"/predictions/{prediction_id}")
    long = await stage.get(f"/predictions/{prediction_id}/result")
    assert short.json() == long.json()
    assert long.json()["data"]["id"] == prediction_id


async def test_a_result_is_dated_to_the_nanosecond_and_says_how_long_it_took(
    stage: Stage,
) -> None:
    data = await stage.ended("[unreachable]")
    assert data["created_at"] == "2026-01-01T00:00:00.000000000Z"
    assert (data["executionTime"], data["timings"]) == (4000, {"inference": 4000})
    assert data["has_nsfw_contents"] == [False]
    assert "code" not in data


async def test_an_unknown_prediction_is_not_found(stage: Stage) -> None:
    answer = await stage.get(f"/predictions/{'0' * 32}/result")
    assert answer.status_code == 404
    assert answer.json() == {"code": 404, "message": "Prediction not found."}


async def test_a_result_is_kept_for_seven_days(stage: Stage) -> None:
    prediction_id = (await stage.ended("[empty]"))["id"]
    stage.clock.advance(7 * DAY_SECONDS - 4)
    assert (await stage.get(f"/predictions/{prediction_id}")).status_code == 200
    stage.clock.advance(1)
    assert (await stage.get(f"/predictions/{prediction_id}")).status_code == 404
    assert await listed(stage) == []


async def test_reading_needs_the_key(stage: Stage) -> None:
    prediction_id = await stage.accepted("[stuck]")
    answer = await stage.web.get(f"/api/v3/predictions/{prediction_id}/result")
    assert answer.status_code == 401


async def test_the_history_is_newest_first_in_pages(stage: Stage) -> None:
    ids = [await stage.accepted("[stuck]") for _ in range(5)]
    first = await history(stage, page=1, page_size=2)
    assert first["page"] == 1
    assert [item["id"] for item in first["items"]] == [ids[4], ids[3]]
    assert await listed(stage, page=3, page_size=2) == [ids[0]]
    assert await listed(stage, page=4, page_size=2) == []


async def test_the_history_shows_inputs_only_when_asked(stage: Stage) -> None:
    await stage.accepted("[stuck]", seed=7)
    assert "input" not in (await history(stage))["items"][0]
    item = (await history(stage, include_inputs=True))["items"][0]
    assert item["input"]["seed"] == 7
    assert item["input"]["image"] == PICTURE_URL


async def test_the_history_is_filtered_by_model_and_status(stage: Stage) -> None:
    failing = await stage.accepted("[fail]")
    stuck = await stage.accepted("[stuck]")
    worded = await stage.accepted("[stuck]", model=TEXT_MODEL)
    stage.clock.advance(4)
    assert await listed(stage, model=MODEL) == [stuck, failing]
    assert await listed(stage, status="failed") == [failing]
    assert await listed(stage, status="processing") == [worded, stuck]
    assert await listed(stage, status="processing", model=TEXT_MODEL) == [worded]


async def test_the_history_is_filtered_by_date(stage: Stage) -> None:
    early = await stage.accepted("[stuck]")
    stage.clock.advance(60)
    late = await stage.accepted("[stuck]")
    half_past = "2026-01-01T00:00:30Z"
    assert await listed(stage, created_after=half_past) == [late]
    assert await listed(stage, created_before=half_past) == [early]
    assert await listed(stage, created_after="2026-01-01T01:00:30+01:00") == [late]
    assert await listed(stage, created_after="2026-01-01T00:00:30") == [late]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"page": 0}, 'field "page" must be at least 1, got number 0'),
        ({"page_size": 101}, 'field "page_size" must be between 1 and 100'),
        ({"created_after": "yesterday"}, 'field "created_after" must be an ISO 8601 date'),
        ({"colour": "red"}, 'field "colour" is not allowed'),
    ],
)
async def test_a_history_that_cannot_be_had_is_refused(
    stage: Stage, asked: dict[str, object], message: str
) -> None:
    await stage.accepted("[stuck]")
    answer = await stage.post("/predictions", asked)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert answer.json()["message"].startswith(message)


async def test_the_history_finishes_what_is_due(stage: Stage) -> None:
    await stage.accepted("[empty]")
    await stage.accepted("[fail]")
    stage.clock.advance(4)
    statuses = [item["status"] for item in (await history(stage))["items"]]
    assert statuses == ["failed", "completed"]


async def test_removal_counts_what_was_over_and_skips_the_rest(stage: Stage) -> None:
    over = (await stage.ended("[garbage]"))["id"]
    running = await stage.accepted("[stuck]")
    answer = await stage.post("/predictions/delete", {"ids": [over, running, "unknown", over]})
    assert answer.json()["data"] == {"deleted_count": 1}
    assert (await stage.get(f"/predictions/{over}")).status_code == 404
    assert await listed(stage) == [running]
    assert (await stage.web.get(f"/media/outputs/{over}.mp4")).status_code == 404


async def test_removal_wants_a_list(stage: Stage) -> None:
    answer = await stage.post("/predictions/delete", {"ids": "all"})
    assert answer.json()["message"].startswith('field "ids" must be an array')


async def test_the_control_surface_lists_jobs_with_inputs_and_needs_no_key(stage: Stage) -> None:
    first = await stage.accepted("[stuck]", webhook="https://outside.example/hook")
    second = await stage.accepted("[stuck]")
    jobs = await stage.jobs()
    assert [job["id"] for job in jobs] == [first, second]
    assert jobs[0]["input"]["image"] == PICTURE_URL
    assert jobs[0]["webhook"] == "https://outside.example/hook"
    assert jobs[0]["deliveries"] == []
    assert jobs[0]["status"] == "created"
