"""The upstream's history: found submissions, proven absence, and readings that prove nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync

from generations import wavespeed
from generations.wavespeed import Client, InDoubt, Prediction, Unavailable, UpstreamError

Answer = Callable[[httpx.Request], httpx.Response]

MINE = "https://x/mine.jpg"
SINCE = datetime(2026, 11, 5, 12, 30, 0, 250_000, tzinfo=UTC)


def item(name: object, **fields: Any) -> dict[str, Any]:
    """Return a job as the history shows it, made from the picture of its name."""
    return {"id": str(name), "status": "processing", **fields} | {
        "input": {"image": f"https://x/{name}.jpg"}
    }


class History:
    """An upstream that pages through its jobs, newest first; `before_page` changes them midway."""

    def __init__(self, jobs: list[dict[str, Any]]) -> None:
        self.jobs = jobs
        self.asked: list[dict[str, Any]] = []
        self.before_page: Callable[[], object] = lambda: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.asked.append(body)
        if len(self.asked) > 1:
            self.before_page()
        start = (body["page"] - 1) * body["page_size"]
        items = self.jobs[start : start + body["page_size"]]
        return says({"code": 200, "data": {"page": body["page"], "items": items}})(request)


def says(body: object, status: int = 200) -> Answer:
    """Return an upstream that always answers this."""
    return lambda _: httpx.Response(status, json=body)


def find(answer: Answer, *marks: str, to_its_end: bool = False) -> dict[str, list[str]]:
    """Look for submissions, that of my picture unless others are named, in a history."""

    async def run() -> dict[str, list[str]]:
        async with Client(httpx.MockTransport(answer)) as client:
            return await client.find(marks or [MINE], SINCE, to_its_end=to_its_end)

    return async_to_sync(run)()


def read(answer: Answer, page: int = 1, **options: Any) -> list[Prediction]:
    """Read one page of a history."""

    async def run() -> list[Prediction]:
        async with Client(httpx.MockTransport(answer)) as client:
            return await client.history(page, created_after=SINCE, **options)

    return async_to_sync(run)()


@pytest.mark.parametrize("position", [0, 99, 100, 101, 198, 250, 999])
def test_a_submission_is_found_wherever_it_stands(position: int) -> None:
    jobs = [item(n) for n in range(1000)]
    jobs[position] = item("mine")

    found = find(History(jobs))

    assert found == {MINE: ["mine"]}


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 197, 198, 199, 1000])
def test_a_history_read_to_its_end_proves_that_a_picture_is_absent(count: int) -> None:
    history = History([item(n) for n in range(count)])

    assert find(history) == {}
    last = history.asked[-1]
    assert last["page"] * last["page_size"] > count


def test_the_reading_stops_as_soon_as_every_picture_is_found() -> None:
    history = History([item("a"), item("b"), *(item(n) for n in range(500))])

    assert set(find(history, "https://x/b.jpg", "https://x/a.jpg")) == {
        "https://x/a.jpg",
        "https://x/b.jpg",
    }
    assert len(history.asked) == 1


def test_what_is_found_and_what_is_absent_come_together() -> None:
    found = find(History([item("a"), item("c")]), "https://x/a.jpg", "https://x/b.jpg")

    assert found == {"https://x/a.jpg": ["a"]}


def test_the_history_is_asked_for_inputs_and_from_a_little_before() -> None:
    history = History([item("mine")])

    find(history)

    assert history.asked == [
        {
            "page": 1,
            "page_size": 100,
            "include_inputs": True,
            "created_after": "2026-11-05T12:25:00Z",
        }
    ]


def test_jobs_that_arrive_between_two_pages_hide_nothing() -> None:
    history = History([*(item(n) for n in range(250)), item("mine")])

    def arrive() -> None:
        history.jobs[:0] = [item(f"new {len(history.asked)} {n}") for n in range(30)]

    history.before_page = arrive

    assert set(find(history)) == {MINE}


def test_a_job_pulled_past_the_reader_by_deletions_never_looks_absent() -> None:
    history = History([*(item(n) for n in range(100)), item("mine"), item("last")])

    def delete() -> None:
        del history.jobs[:3]

    history.before_page = delete

    with pytest.raises(InDoubt, match="changed"):
        find(history)


def test_a_history_that_vanishes_under_the_reader_proves_nothing() -> None:
    history = History([item(n) for n in range(100)])
    history.before_page = history.jobs.clear

    with pytest.raises(InDoubt, match="changed"):
        find(history)


def test_an_upstream_with_pages_of_its_own_size_proves_nothing() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        start = (json.loads(request.content)["page"] - 1) * 20
        return says({"data": {"items": [item(n) for n in range(start, start + 20)]}})(request)

    with pytest.raises(InDoubt, match="changed"):
        find(answer)


def test_a_history_without_end_is_read_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wavespeed, "HISTORY_PAGES_MAX", 5)
    history = History([item(n) for n in range(1000)])

    with pytest.raises(InDoubt, match="longer than 5 pages"):
        find(history)
    assert len(history.asked) == 5


def test_a_later_page_that_fails_settles_nothing() -> None:
    history = History([item(n) for n in range(150)])

    def answer(request: httpx.Request) -> httpx.Response:
        return says({}, 429)(request) if history.asked else history(request)

    with pytest.raises(Unavailable):
        find(answer)


def test_older_answers_call_the_input_inputs() -> None:
    assert find(says({"data": {"items": [{"id": "a", "inputs": {"image": MINE}}]}})) == {
        MINE: ["a"]
    }


def test_jobs_without_readable_inputs_are_nobodys() -> None:
    jobs: list[dict[str, Any]] = [{"id": "a"}, {"id": "b", "input": None}]
    jobs += [{"id": "c", "input": "text"}]
    jobs += [{"id": "d", "input": {"image": ["list"]}}]

    assert find(History(jobs)) == {}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"data": None},
        {"data": {}},
        {"data": {"items": None}},
        {"data": {"items": 5}},
        {"data": {"items": [None]}},
        {"data": {"items": ["text"]}},
        {"data": {"items": [{"input": {"image": "https://x/other.jpg"}}]}},
        {"data": {"items": [{"input": {"image": MINE}}]}},
        {"data": {"items": [{"id": None, "input": {"image": MINE}}]}},
    ],
)
def test_a_history_that_makes_no_sense_settles_nothing(body: object) -> None:
    with pytest.raises(UpstreamError):
        find(says(body))


def test_a_page_is_read_without_what_cannot_be_read() -> None:
    good = Prediction("a", "failed", [], "No.", 1402)
    jobs: list[dict[str, Any]] = [
        {"id": "a", "status": "failed", "error": "No.", "code": 1402},
        {"status": "completed"},
        {"id": None},
        {"id": "b", "code": "many"},
        {"id": "c"},
    ]

    assert read(History(jobs)) == [good, Prediction("c", "", [], "", 0)]


def test_a_page_is_asked_for_with_its_bounds() -> None:
    history = History([])

    read(history, 3)
    read(history, created_before=SINCE, status="completed", with_inputs=True)

    plain = {"page_size": 100, "created_after": "2026-11-05T12:30:00Z"}
    assert history.asked == [
        {**plain, "page": 3, "include_inputs": False},
        {
            **plain,
            "page": 1,
            "include_inputs": True,
            "created_before": "2026-11-05T12:30:00Z",
            "status": "completed",
        },
    ]


@pytest.mark.parametrize("body", [{"data": None}, {"data": {"items": None}}, "text"])
def test_a_page_that_makes_no_sense_does_not_look_empty(body: object) -> None:
    with pytest.raises(InDoubt):
        read(says(body))
