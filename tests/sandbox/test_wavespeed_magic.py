"""Each magic word does what the page about them says."""

from typing import Any

import pytest

from sandbox import wavespeed
from sandbox.wavespeed import magic
from tests.sandbox.wavespeed_stage import PICTURE_URL, TEXT_MODEL, Stage

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("word", "status", "code", "censored"),
    [
        ("[fail]", "failed", 1403, []),
        ("[moderated]", "failed", 1200, [True]),
        ("[cancelled]", "cancelled", None, []),
        ("[timeout]", "timeout", None, []),
        ("[deleted]", "deleted", None, []),
    ],
)
async def test_a_word_for_an_ending_ends_the_job_so_with_a_reason(
    stage: Stage, word: str, status: str, code: int | None, censored: list[bool]
) -> None:
    data = await stage.ended(f"a fox {word} in snow")
    assert (data["status"], data.get("code"), data["outputs"]) == (status, code, [])
    assert data["has_nsfw_contents"] == censored
    assert data["error"].endswith(".")


@pytest.mark.parametrize(
    ("word", "refunded"),
    [("[fail]", True), ("[timeout]", True), ("[cancelled]", True), ("[empty]", False)],
)
async def test_money_comes_back_for_what_failed(stage: Stage, word: str, refunded: bool) -> None:
    prediction_id = await stage.accepted(word)
    assert await stage.balance() == 999.3
    stage.clock.advance(4)
    await stage.result(prediction_id)
    await stage.result(prediction_id)
    assert await stage.balance() == (1000 if refunded else 999.3)


async def test_slow_takes_ten_times_as_long(stage: Stage) -> None:
    prediction_id = await stage.accepted("[slow] [empty]")
    stage.clock.advance(39)
    assert (await stage.result(prediction_id))["status"] == "processing"
    stage.clock.advance(1)
    assert (await stage.result(prediction_id))["status"] == "completed"


async def test_stuck_never_ends(stage: Stage) -> None:
    prediction_id = await stage.accepted("[stuck]")
    stage.clock.advance(6 * 24 * 3600)
    assert (await stage.result(prediction_id))["status"] == "processing"


async def test_unreachable_has_an_output_that_is_not_there(stage: Stage) -> None:
    data = await stage.ended("[unreachable]")
    assert data["status"] == "completed"
    (url,) = data["outputs"]
    assert (await stage.web.get(url)).status_code == 404


async def test_garbage_has_an_output_that_is_no_video(stage: Stage) -> None:
    (url,) = (await stage.ended("[garbage]"))["outputs"]
    answer = await stage.web.get(url)
    assert answer.status_code == 200
    assert b"ftyp" not in answer.content


async def test_empty_completes_without_outputs(stage: Stage) -> None:
    data = await stage.ended("[empty]")
    assert (data["status"], data["outputs"]) == ("completed", [])


@pytest.mark.parametrize(
    ("word", "status", "message", "times"),
    [
        ("[429]", 429, "You have reached your concurrency limit", 2),
        ("[500]", 500, "Internal server error.", 1),
        (
            "[broke]",
            400,
            "Insufficient credits. Please top up your account to continue.",
            2,
        ),
    ],
)
async def test_a_refusal_takes_nothing_and_ends_after_its_times(
    stage: Stage, word: str, status: int, message: str, times: int
) -> None:
    for _ in range(times):
        refused = await stage.submit(f"{word} [stuck]")
        assert (refused.status_code, refused.json()) == (
            status,
            {"code": status, "message": message},
        )
    assert await stage.jobs() == []
    assert await stage.balance() == 1000
    assert (await stage.submit(f"{word} [stuck]")).status_code == 200
    assert (await stage.submit(f"{word} [stuck]")).status_code == 200


async def test_refusals_are_counted_for_each_picture_and_prompt(stage: Stage) -> None:
    async def statuses(**inputs: Any) -> list[int]:
        return [(await stage.submit(**inputs)).status_code for _ in range(2)]

    assert await statuses(prompt="[500] [stuck]") == [500, 200]
    assert await statuses(prompt="[500] [stuck]", image=f"{PICTURE_URL}?2") == [500, 200]
    assert await statuses(prompt="[500] [stuck] again") == [500, 200]
    assert await statuses(prompt="[500] [stuck]", model=TEXT_MODEL) == [500, 200]


async def test_words_about_submission_and_ending_combine(stage: Stage) -> None:
    assert (await stage.submit("[500] [fail]")).status_code == 500
    data = await stage.ended("[500] [fail]")
    assert (data["status"], data["code"]) == ("failed", 1403)


async def test_lost_takes_the_job_but_answers_like_a_gateway(stage: Stage) -> None:
    answer = await stage.submit("[lost] [empty]")
    assert answer.status_code == 504
    assert answer.headers["content-type"].startswith("text/html")
    (job,) = await stage.jobs()
    assert job["id"] not in answer.text
    assert await stage.balance() == 999.3
    stage.clock.advance(4)
    assert (await stage.result(job["id"]))["status"] == "completed"


async def test_the_history_finds_a_lost_job_by_its_inputs(stage: Stage) -> None:
    await stage.submit("[lost] [stuck]", image=f"{PICTURE_URL}?unique")
    asked = {"include_inputs": True, "page_size": 100}
    items = (await stage.post("/predictions", asked)).json()["data"]["items"]
    assert [item["input"]["image"] for item in items] == [f"{PICTURE_URL}?unique"]


async def test_words_are_heard_in_any_case_and_only_in_brackets(stage: Stage) -> None:
    assert magic.spoken("a [FAIL] and [Slow]") == ["[fail]", "[slow]"]
    assert magic.spoken("an empty street, slow pan, 500 lost balloons, stuck in time") == []
    assert (await stage.ended("[Fail]"))["status"] == "failed"


def test_every_word_is_documented_where_people_look() -> None:
    assert wavespeed.__doc__ is not None
    assert [word for word in magic.WORDS if f"`{word}`" not in wavespeed.__doc__] == []
    known = {*magic.ENDINGS, *magic.REFUSALS}
    assert known < set(magic.WORDS)
