"""The list of an account's jobs: pages, filters, deletion; every field as the protocol has it."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import keys
from accounts.models import Scope
from generations import lifecycle
from generations.models import DiscardedFile, Generation
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import fresh

HISTORY = "/api/v3/predictions"
DELETE = "/api/v3/predictions/delete"
BEGUN = datetime(2026, 10, 1, 12, 0, 0, 123_456, tzinfo=UTC)
FIELDS = {
    "id",
    "model",
    "outputs",
    "urls",
    "has_nsfw_contents",
    "status",
    "code",
    "error",
    "created_at",
    "executionTime",
    "timings",
}


@pytest.fixture
def many(alice: Customer) -> list[Generation]:
    """Five jobs of Alice, a minute apart, the oldest first."""
    picture = stage.upload(alice)
    jobs = [stage.job(alice, picture, prompt=f"film {n}") for n in range(5)]
    for n, job in enumerate(jobs):
        moment = BEGUN + timedelta(minutes=n)
        Generation.objects.filter(pk=job.pk).update(created_at=moment)
    return [fresh(job) for job in jobs]


def listed(customer: Customer, **asked: Any) -> list[dict[str, Any]]:
    """Return the items of the asked page."""
    answer = customer.post(HISTORY, asked)
    assert answer.status_code == 200, answer.content
    items: list[dict[str, Any]] = answer.json()["data"]["items"]
    return items


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def hexes(jobs: list[Generation]) -> list[str]:
    return [job.id.hex for job in jobs]


def refusal(customer: Customer, path: str, body: object) -> str:
    """Return the sentence of a 400."""
    answer = customer.post(path, body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == 400
    sentence: str = answer.json()["message"]
    return sentence


def test_the_newest_come_first_in_the_envelope_of_the_protocol(
    alice: Customer, many: list[Generation]
) -> None:
    answer = alice.post(HISTORY, {}).json()

    assert (answer["code"], answer["message"]) == (200, "success")
    assert set(answer["data"]) == {"page", "items"}
    assert answer["data"]["page"] == 1
    assert ids(answer["data"]["items"]) == hexes(many[::-1])
    [first, *_] = answer["data"]["items"]
    assert set(first) == FIELDS
    assert first["model"] == "alibaba/happyhorse-1.1/image-to-video"
    assert (first["status"], first["code"], first["error"]) == ("created", 0, "")
    assert first["created_at"] == "2026-10-01T12:04:00.123Z"
    assert first["urls"]["get"].endswith(f"/api/v3/predictions/{first['id']}/result")


def test_inputs_are_shown_when_they_are_asked_for(alice: Customer, many: list[Generation]) -> None:
    [newest] = listed(alice, include_inputs=True, page_size=1)

    assert set(newest) == FIELDS | {"input"}
    assert newest["input"] == many[-1].inputs


def test_pages_together_show_each_job_once(alice: Customer, many: list[Generation]) -> None:
    pages = [listed(alice, page=page, page_size=2) for page in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert ids(list(itertools.chain(*pages))) == hexes(many[::-1])
    assert alice.post(HISTORY, {"page": 4}).json()["data"] == {"page": 4, "items": []}


def test_jobs_of_one_moment_have_one_order(alice: Customer, many: list[Generation]) -> None:
    Generation.objects.update(created_at=BEGUN)

    once = ids(listed(alice))

    assert ids([*listed(alice, page_size=3), *listed(alice, page=2, page_size=3)]) == once


@pytest.mark.parametrize(
    ("after", "before", "shown"),
    [
        ("2026-10-01T12:01:00.123Z", None, [1, 2, 3, 4]),
        ("2026-10-01T12:01:00.124Z", None, [2, 3, 4]),
        (None, "2026-10-01T12:01:00.123Z", [0, 1]),
        (None, "2026-10-01T12:01:00.122Z", [0]),
        ("2026-10-01T14:01:00+02:00", "2026-10-01T12:02:59", [1, 2]),
        ("2026-10-01T12:01:00.123999999Z", None, [1, 2, 3, 4]),
        ("2026-10-01", "2026-10-02", [0, 1, 2, 3, 4]),
        ("2026-10-02", None, []),
    ],
)
def test_bounds_are_both_included_as_answers_show_moments(
    alice: Customer, many: list[Generation], after: str | None, before: str | None, shown: list[int]
) -> None:
    found = listed(alice, created_after=after, created_before=before)

    assert ids(found) == hexes([many[n] for n in reversed(shown)])


def test_the_moments_of_an_answer_can_be_asked_with(
    alice: Customer, many: list[Generation]
) -> None:
    third = listed(alice)[2]["created_at"]

    assert ids(listed(alice, created_after=third, created_before=third)) == [many[2].id.hex]


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("created", {"created", "submitting", "in_doubt"}),
        ("pending", {"created", "submitting", "in_doubt"}),
        ("processing", {"processing"}),
        ("failed", {"failed"}),
        ("completed", set()),
        ("cancelled", set()),
        ("timeout", set()),
        ("deleted", set()),
    ],
)
def test_a_status_is_meant_as_it_is_shown(
    alice: Customer, many: list[Generation], status: str, shown: set[str]
) -> None:
    _, submitting, doubtful, processing, failed = many
    assert lifecycle.start_submit(submitting, "https://pictures.test/a.jpg")
    assert lifecycle.start_submit(doubtful, "https://pictures.test/b.jpg")
    lifecycle.doubt(doubtful, timedelta(), "504")
    assert lifecycle.start_submit(processing, "https://pictures.test/c.jpg")
    assert lifecycle.accept(processing, "abc", timedelta())
    assert lifecycle.cancel(failed)
    expected = [job.id.hex for job in many if fresh(job).status in shown]

    assert sorted(ids(listed(alice, status=status))) == sorted(expected)
    assert len(expected) == len(shown)


def test_a_model_is_meant_by_its_name(alice: Customer, many: list[Generation]) -> None:
    assert listed(alice, model="alibaba/happyhorse-1.1/text-to-video") == []
    assert len(listed(alice, model="alibaba/happyhorse-1.1/image-to-video")) == 5


def test_a_finished_film_has_its_address(finished: Generation, alice: Customer) -> None:
    [film] = listed(alice, status="completed")

    assert film["status"] == "completed"
    assert len(film["outputs"]) == 1
    assert f"/films/{finished.pk}/video.mp4?signature=" in film["outputs"][0]


def test_what_is_left_out_as_null_is_left_out(alice: Customer, many: list[Generation]) -> None:
    body = {"page": None, "page_size": None, "model": None, "status": None, "include_inputs": None}

    assert ids(listed(alice, **body)) == hexes(many[::-1])


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("page", 0, "greater than or equal to 1"),
        ("page", "1", 'must be a whole number, got string "1"'),
        ("page", True, "must be a whole number, got boolean true"),
        ("page", 1.5, "valid integer"),
        ("page", 1e300, "valid integer"),
        ("page", 10**30, "less than or equal to"),
        ("page_size", 0, "greater than or equal to 1"),
        ("page_size", 101, "less than or equal to 100"),
        ("page_size", [20], "must be a whole number, got a list"),
        ("status", "done", '"done" is not a valid choice'),
        ("model", 5, "must be a string, got number 5"),
        ("model", "a\x00b", "Null characters are not allowed"),
        ("created_after", "yesterday", "must be a date such as 2026-01-31 or 2026-01-31T09:12:44Z"),
        ("created_after", 1767225600, "must be a date such as"),
        ("created_before", "0001-01-01", "must be a date such as"),
        ("created_before", "9999-12-31T23:59:59-12:00", "must be a date such as"),
        ("include_inputs", "yes", 'must be true or false, got string "yes"'),
        ("include_inputs", 1, "must be true or false, got number 1"),
        ("pagesize", 5, "is unknown; please use only: page, page_size, model, status"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(
    alice: Customer, field: str, value: object, says: str
) -> None:
    sentence = refusal(alice, HISTORY, {field: value})

    assert sentence.startswith(f'field "{field}"')
    assert says in sentence


@pytest.mark.parametrize(
    "body", [{"status": "\ud800"}, {"\ud800": 1}, {"created_after": "\udfff"}, {"model": "\udfff"}]
)
def test_half_a_letter_is_refused(alice: Customer, body: object) -> None:
    assert "broken character" in refusal(alice, HISTORY, body)


@pytest.mark.parametrize("body", [[], "text", 5, None])
def test_a_body_that_is_no_object_is_refused(alice: Customer, body: object) -> None:
    assert "one JSON object" in refusal(alice, HISTORY, body)


def test_the_list_cannot_be_fetched_by_get(alice: Customer) -> None:
    answer = alice.get(HISTORY)

    assert answer.status_code == 405
    assert answer.json()["code"] == 405


def test_others_see_and_delete_nothing(
    finished: Generation, many: list[Generation], charlie: Customer
) -> None:
    assert listed(charlie) == []

    answer = charlie.post(DELETE, {"ids": [finished.id.hex]})

    assert answer.json()["data"] == {"deleted_count": 0}
    assert fresh(finished).deleted_at is None


def test_a_deleted_film_is_gone_from_list_and_result_and_its_files_are_let_go(
    finished: Generation, alice: Customer
) -> None:
    answer = alice.post(DELETE, {"ids": [finished.id.hex]})

    assert answer.json() == {"code": 200, "message": "success", "data": {"deleted_count": 1}}
    assert listed(alice) == []
    assert alice.get(f"/api/v3/predictions/{finished.id.hex}/result").status_code == 404
    assert DiscardedFile.objects.filter(name=finished.video).exists()
    stage.assert_charged(finished)


def test_deletion_counts_what_went_and_skips_the_rest(
    finished: Generation, alice: Customer, many: list[Generation]
) -> None:
    wanted = [
        finished.id.hex,
        str(finished.id),
        many[0].id.hex,
        timezone.now().isoformat(),
        "0" * 32,
    ]

    assert alice.post(DELETE, {"ids": wanted}).json()["data"] == {"deleted_count": 1}
    assert alice.post(DELETE, {"ids": wanted}).json()["data"] == {"deleted_count": 0}
    assert alice.post(DELETE, {"ids": []}).json()["data"] == {"deleted_count": 0}
    assert len(listed(alice)) == 5


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, 'field "ids": This field is required'),
        ({"ids": "abc"}, "Expected a list"),
        ({"ids": [5]}, "must be a string, got number 5"),
        ({"ids": ["x" * 65]}, "no more than 64 characters"),
        ({"ids": ["x"] * 101}, "no more than 100 elements"),
        ({"ids": ["x"], "force": True}, "is unknown; please use only: ids"),
    ],
)
def test_a_deletion_that_makes_no_sense_is_refused(
    alice: Customer, body: object, says: str
) -> None:
    assert says in refusal(alice, DELETE, body)


@pytest.mark.parametrize(
    ("path", "scope"), [(HISTORY, Scope.READ), (DELETE, Scope.SUBMIT)], ids=["history", "delete"]
)
def test_a_key_needs_the_scope(
    path: str, scope: Scope, alice: Customer, only: Callable[[Customer, Scope], Customer]
) -> None:
    others = [other for other in Scope if other != scope]

    assert [only(alice, other).post(path, {"ids": []}).status_code for other in others] == [403] * 2


@pytest.fixture
def only() -> Callable[[Customer, Scope], Customer]:
    """Return the customer with a key that has one scope."""

    def narrowed(customer: Customer, scope: Scope) -> Customer:
        rules = keys.Rules(scopes=[scope])
        _, secret = keys.issue(customer.account, customer.user, "narrow", rules=rules)
        return Customer(customer.user, customer.account, secret)

    return narrowed
