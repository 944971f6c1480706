"""The process is killed at each step of the flow: the job comes to its right end all the same.

Right is: completed and charged once, or failed and released in full; taken upstream exactly once;
no row names a file that is not there; the books are in order at the moment of the crash and after.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.utils import timezone

from billing import audit as payments
from billing import ledger, sums
from config import media
from config.outbound import Fetcher
from generations import audit, disposal, images, lifecycle, orders, places, storage, wavespeed
from generations.models import Generation, Upload, UpstreamState
from generations.steps import Steps
from tests.cast import Customer
from tests.generations import stage
from tests.generations.crash import Point, kill_at
from tests.generations.stage import Status, accepted, assert_charged, assert_refunded, fresh
from tests.pictures import draw
from tests.web import Page, Web

ROUNDS_MAX = 20
# Doubted, absent, absent for long, sent: one more, so that it would have happened.
STEPS_TO_A_SECOND_POST = 5
HAD_MICROS = 25_000_000

Drive = Callable[[], None]

# By the moment of the crash: how the upstream behaves, and where the process dies.
MADE: dict[str, Point] = {
    "a place was claimed": Point("after", places, "claim", only=bool),
    "the upstream has the picture's copy": Point("after", wavespeed.Client, "upload"),
    "the submission is claimed, the POST not sent": Point("after", lifecycle, "start_submit"),
    "the POST was accepted, and nobody knows": Point("after", wavespeed.Client, "submit"),
    "the acceptance is known": Point("after", lifecycle, "accept"),
    "the poll saw it completed": Point("before", Steps, "_store"),
    "the film was fetched": Point("after", Fetcher, "read"),
    "the film is stored, its stills are not": Point("after", storage, "_save_file"),
    "the film is kept, nothing is charged": Point("after", storage, "keep"),
    "the status is written, the money is not": Point("before", ledger, "capture", inside=True),
    "the finish is written, not committed": Point("after", lifecycle, "announce_end", inside=True),
    "the job is finished": Point("after", lifecycle, "finish"),
}
FOREIGN: dict[str, Point] = {
    "the foreign picture was fetched": Point("after", Fetcher, "read"),
    "the picture is stored, its row is not": Point("after", images, "_keep"),
    "the picture is stored, the job knows nothing of it": Point("after", images, "receive"),
    "the job's picture is kept": Point("after", lifecycle, "keep_picture"),
}
LOST: dict[str, Point] = {
    "the answer was lost, and nobody knows": Point("before", lifecycle, "doubt"),
    "the doubt is written, not committed": Point("after", lifecycle, "_note_outcome", inside=True),
    "the doubt is known": Point("after", lifecycle, "doubt"),
    "the history is about to be read": Point("before", wavespeed.Client, "find"),
    "the history has shown the job": Point("after", wavespeed.Client, "find"),
    "the doubt is settled": Point("after", lifecycle, "accept"),
}
NEVER_TAKEN: dict[str, Point] = {
    "its absence is about to be noted": Point("before", lifecycle, "note_absence"),
    "its absence is noted": Point("after", lifecycle, "note_absence"),
    "it is about to be sent once more": Point("before", lifecycle, "submit_again"),
    "it may be sent once more": Point("after", lifecycle, "submit_again"),
}
TURNED_AWAY: dict[str, Point] = {
    "it was turned away, and nobody knows": Point("before", lifecycle, "put_back"),
    "it is about to wait, not committed": Point("after", lifecycle, "_note_outcome", inside=True),
    "it waits for a place": Point("after", lifecycle, "put_back"),
}
FAILED: dict[str, Point] = {
    "the poll saw it failed": Point("before", lifecycle, "fail"),
    "the status is written, the hold is not released": Point(
        "before", ledger, "release", inside=True
    ),
    "the failure is written, not committed": Point("after", lifecycle, "announce_end", inside=True),
    "the job is failed": Point("after", lifecycle, "fail"),
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def step(run_driver: Drive) -> Drive:
    """Take every job one step further, with every lease and every waiting time over."""

    def once() -> None:
        now = timezone.now()
        UpstreamState.objects.update(probe_at=None)
        left = Generation.objects.unfinished()
        left.update(due_at=now, lease_until=now - timedelta(seconds=1))
        absent = left.filter(absent_since__isnull=False)
        absent.update(absent_since=now - timedelta(seconds=settings.ABSENCE_SECONDS + 1))
        run_driver()

    return once


@pytest.fixture
def go_on(step: Drive, caplog: pytest.LogCaptureFixture) -> Drive:
    """Drive all jobs to their end, and have no step break on the way."""

    def drive() -> None:
        for _ in range(ROUNDS_MAX):
            if not Generation.objects.unfinished().exists():
                break
            step()
        assert not Generation.objects.unfinished().exists()
        assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == []

    return drive


def assert_books_in_order() -> None:
    """Check ledger, payments and jobs against each other."""
    assert [*sums.audit().faults, *payments.faults(), *audit.faults()] == []


def named_files() -> Iterator[str]:
    """Yield every file that a row names."""
    for job in Generation.objects.all():
        yield from filter(None, (getattr(job, part) for part in disposal.PARTS))
    yield from Upload.objects.values_list("file", flat=True)


def assert_no_file_is_missing() -> None:
    """Check that what rows name is there, and that what no row names will be swept."""
    assert [name for name in named_files() if not media.storage().exists(name)] == []
    films = {file.name for file in media.storage().walk(disposal.FILMS)}
    swept = set(disposal.orphans(timezone.now() + timedelta(days=2)))
    assert films - swept == {name for name in named_files() if name.startswith(disposal.FILMS)}


def assert_completed(job: Generation, sandbox: str, customer: Customer) -> None:
    """Check that the job was taken once, charged once, and can be watched."""
    assert_charged(job)
    assert len(accepted(sandbox, job)) == 1
    assert customer.balance_micros == customer.available_micros == HAD_MICROS - job.price_micros
    assert_no_file_is_missing()
    assert_books_in_order()


def assert_released(job: Generation, sandbox: str, customer: Customer) -> None:
    """Check that the job was taken once, failed there, and cost nothing."""
    assert_refunded(job, code=1403, says="could not make this video")
    assert len(accepted(sandbox, job)) == 1
    assert customer.balance_micros == customer.available_micros == HAD_MICROS
    assert_no_file_is_missing()
    assert_books_in_order()


def crash_and_go_on(job: Generation, point: Point, go_on: Drive) -> None:
    """Kill the driver at the point; its successor ends the job."""
    kill_at(point, go_on)
    assert_books_in_order()
    go_on()
    assert fresh(job).is_finished


@pytest.mark.parametrize("name", MADE)
def test_a_film_is_made_and_paid_once_though_the_driver_dies_when(
    name: str, alice: Customer, go_on: Drive, sandbox: str
) -> None:
    job = stage.job(alice)

    crash_and_go_on(job, MADE[name], go_on)

    assert_completed(job, sandbox, alice)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_picture_arrives_once_though_the_driver_dies_when(
    name: str, alice: Customer, go_on: Drive, sandbox: str, web: Web
) -> None:
    job = stage.job(alice, web.put("/disc.jpg", Page(content=draw())), prompt="[fail]")

    crash_and_go_on(job, FOREIGN[name], go_on)

    assert_released(job, sandbox, alice)
    kept = fresh(job).upload
    assert kept is not None
    assert kept.is_ready


@pytest.mark.parametrize("name", LOST)
def test_a_lost_answer_is_found_though_the_driver_dies_when(
    name: str, alice: Customer, go_on: Drive, sandbox: str
) -> None:
    job = stage.job(alice, prompt="[lost] [fail]")

    crash_and_go_on(job, LOST[name], go_on)

    assert_released(job, sandbox, alice)
    assert job.submissions.count() == 1


@pytest.mark.parametrize("name", NEVER_TAKEN)
def test_what_never_arrived_is_sent_once_more_though_the_driver_dies_when(
    name: str, alice: Customer, go_on: Drive, sandbox: str
) -> None:
    job = stage.job(alice, prompt="[500] [fail]")

    crash_and_go_on(job, NEVER_TAKEN[name], go_on)

    assert_released(job, sandbox, alice)
    assert job.submissions.count() == 2


@pytest.mark.parametrize("name", TURNED_AWAY)
def test_a_job_that_was_turned_away_is_taken_later_though_the_driver_dies_when(
    name: str, alice: Customer, go_on: Drive, sandbox: str
) -> None:
    job = stage.job(alice, prompt="[429] [fail]")

    crash_and_go_on(job, TURNED_AWAY[name], go_on)

    assert_released(job, sandbox, alice)


@pytest.mark.parametrize("name", FAILED)
def test_a_failed_job_is_released_once_though_the_driver_dies_when(
    name: str, alice: Customer, go_on: Drive, sandbox: str
) -> None:
    job = stage.job(alice, prompt="[fail]")

    crash_and_go_on(job, FAILED[name], go_on)

    assert_released(job, sandbox, alice)


def test_a_request_that_dies_before_its_commit_leaves_no_trace(
    alice: Customer, go_on: Drive, sandbox: str
) -> None:
    send = partial(alice.post, stage.MODEL, stage.body(stage.upload(alice)))

    # One statement writes everything: there is nothing between its beginning and its commit.
    kill_at(Point("before", orders, "_write"), send)

    assert not Generation.objects.exists()
    assert alice.available_micros == HAD_MICROS
    assert_books_in_order()
    # The customer had no answer and asks again.
    assert send().status_code == 200
    go_on()
    assert_completed(Generation.objects.get(), sandbox, alice)


def test_a_request_that_dies_after_its_commit_is_a_job_like_any_other(
    alice: Customer, go_on: Drive, sandbox: str
) -> None:
    send = partial(alice.post, stage.MODEL, stage.body(stage.upload(alice)))

    kill_at(Point("after", orders, "_write"), send)

    assert alice.available_micros == HAD_MICROS - stage.PRICE_SHORT_MICROS
    assert_books_in_order()
    go_on()
    assert_completed(Generation.objects.get(), sandbox, alice)


def test_a_job_whose_drivers_die_twice_before_the_post_is_released_and_never_sent(
    alice: Customer, go_on: Drive, step: Drive, sandbox: str
) -> None:
    job = stage.job(alice)
    for _ in range(2):
        kill_at(MADE["the submission is claimed, the POST not sent"], go_on)
    for _ in range(STEPS_TO_A_SECOND_POST):
        step()
    assert fresh(job).status == Status.IN_DOUBT
    stage.age(job, seconds=settings.PATIENCE_DOUBT_SECONDS + 1)

    go_on()

    assert_refunded(job, code=5000, says="could not hand this job over for certain")
    assert accepted(sandbox, job) == []
    assert_books_in_order()


def test_one_job_survives_a_crash_at_each_step_of_its_way(
    alice: Customer, go_on: Drive, sandbox: str
) -> None:
    job = stage.job(alice)
    steps = list(MADE)
    # Behind a POST that was never sent lies another way; it has tests of its own.
    steps.remove("the submission is claimed, the POST not sent")

    for name in steps:
        kill_at(MADE[name], go_on)
        assert_books_in_order()

    assert_completed(job, sandbox, alice)
