"""A submission whose outcome nobody knows: history or hook settles it, and nothing else does.

A gateway before the sandbox loses what each test wants lost, and sees how often a job is sent.
What is sent a second time is in test_second_submission, a death around the POST in
test_crash_points.
"""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.models import Hold
from generations import lifecycle, places, wavespeed
from generations.models import Generation, Submission
from tests.cast import Customer
from tests.generations import stage
from tests.generations.gateway import Answer, Gateway, assert_known_upstream
from tests.generations.stage import Status, accepted, assert_refunded, fresh

JOBS = 12
LOOKS = 4
NOW = timedelta()

Drive = Callable[[], None]


def deliver(job: Generation, upstream_id: object) -> int:
    """Post WaveSpeed's signed hook about a job and return the status of our answer."""
    body = json.dumps({"id": upstream_id, "status": "completed"}).encode()
    at, secret = str(int(time.time())), wavespeed.webhook_secret()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": at,
        "webhook-signature": wavespeed.signature(body, "msg_1", at, secret),
    }
    answer: Any = Client().post(
        f"/hooks/wavespeed/{job.pk}", body, content_type="application/json", headers=headers
    )
    return int(answer.status_code)


@pytest.mark.parametrize("answer", [500, 502, 503, 504, "reset", "silence"])
def test_a_job_whose_answer_is_lost_is_in_doubt_and_found_in_the_history(
    answer: Answer,
    alice: Customer,
    door: Gateway,
    look: Drive,
    settings: Settings,
    sandbox: str,
) -> None:
    # Long enough for the picture to arrive.
    settings.UPSTREAM_READ_SECONDS = 1 if answer == "silence" else settings.UPSTREAM_READ_SECONDS
    door.submit, door.history = answer, 503
    job = stage.job(alice, prompt="[fail]")

    for _ in range(LOOKS):
        look()

    assert fresh(job).status == Status.IN_DOUBT
    assert fresh(job).operator_note != ""
    assert stage.hold(job).state == Hold.State.HELD
    door.history = None
    look()
    assert_known_upstream(job, sandbox)
    assert len(door.submitted) == job.submissions.count() == 1


def test_many_doubts_are_settled_by_one_reading(
    alice: Customer, door: Gateway, look: Drive, sandbox: str
) -> None:
    picture = stage.upload(alice)
    door.submit = 502
    jobs = [stage.job(alice, picture, prompt="[fail]") for _ in range(JOBS)]
    look()
    assert Generation.objects.filter(status=Status.IN_DOUBT).count() == JOBS

    look()

    assert door.readings == 1
    for job in jobs:
        assert_known_upstream(job, sandbox)


def test_one_reading_settles_each_doubt_in_its_own_way(
    doubtful: Generation, alice: Customer, door: Gateway, look: Drive, sandbox: str
) -> None:
    door.takes = False
    lost = stage.job(alice, prompt="[fail]")
    lifecycle.start_submit(lost, f"https://pictures.test/{lost.id.hex}")
    lifecycle.doubt(lost, NOW, "504")

    look()

    assert_known_upstream(doubtful, sandbox)
    assert fresh(lost).status == Status.IN_DOUBT
    assert fresh(lost).absent_since is not None


@pytest.mark.parametrize("answer", [401, 404, 429, 500, 503, "reset"])
def test_a_history_that_cannot_be_read_settles_nothing(
    answer: Answer,
    swallowed: Generation,
    door: Gateway,
    look: Drive,
    absent_long: Callable[[Generation], None],
) -> None:
    look()
    absent_long(swallowed)
    since = fresh(swallowed).absent_since
    door.history = answer

    for _ in range(LOOKS):
        look()

    assert fresh(swallowed).status == Status.IN_DOUBT
    assert fresh(swallowed).absent_since == since
    assert len(door.submitted) == 1


def test_an_unread_history_is_no_absence(doubtful: Generation, door: Gateway, look: Drive) -> None:
    door.history = 503

    look()

    assert fresh(doubtful).absent_since is None


def test_a_late_hook_with_our_id_settles_a_doubt_that_no_history_does(
    doubtful: Generation, door: Gateway, look: Drive, sandbox: str
) -> None:
    door.history = 503
    look()
    [taken] = accepted(sandbox, doubtful)

    assert deliver(doubtful, taken["id"]) == 200

    assert_known_upstream(doubtful, sandbox)
    assert fresh(doubtful).due_at <= timezone.now()
    assert doubtful.submissions.get().outcome == Submission.Outcome.ACCEPTED
    look()
    assert_refunded(doubtful, code=1403, says="could not make this video")
    assert len(door.submitted) == 1


def test_a_hook_before_the_answer_of_the_post_names_the_job_too(alice: Customer) -> None:
    job = stage.job(alice)
    lifecycle.start_submit(job, "https://pictures.test/a.jpg")

    lifecycle.make_due(str(job.pk), "abc")

    assert not lifecycle.accept(job, "abc", NOW), "the answer finds it accepted"
    assert (fresh(job).status, fresh(job).upstream_id) == (Status.PROCESSING, "abc")


def test_a_hook_stops_the_second_submission_of_a_job_that_was_absent(
    doubtful: Generation,
    door: Gateway,
    look: Drive,
    absent_long: Callable[[Generation], None],
    sandbox: str,
) -> None:
    door.hides = True
    look()
    absent_long(doubtful)
    look()
    assert fresh(doubtful).status == Status.CREATED
    [claimed] = places.claim(1, uuid4())
    [taken] = accepted(sandbox, doubtful)

    assert deliver(doubtful, taken["id"]) == 200

    assert not lifecycle.start_submit(claimed, doubtful.upstream_image)
    assert_known_upstream(doubtful, sandbox)


@pytest.mark.parametrize("told", ["", None, "x" * 65, 0, {}])
def test_a_hook_that_names_no_job_is_only_a_hint(
    told: object, doubtful: Generation, sandbox: str
) -> None:
    Generation.objects.update(due_at=timezone.now() + timedelta(hours=1))

    assert deliver(doubtful, told) == 200

    assert fresh(doubtful).status == Status.IN_DOUBT
    assert fresh(doubtful).due_at <= timezone.now()


def test_a_hook_cannot_give_one_upstream_job_to_two_of_ours(
    doubtful: Generation, alice: Customer
) -> None:
    other = stage.processing(alice, "abc")

    assert deliver(doubtful, "abc") == 200

    assert fresh(doubtful).status == Status.IN_DOUBT
    assert fresh(other).upstream_id == "abc"
