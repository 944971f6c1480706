"""A job is sent a second time only if the upstream never got the first, and never a third time.

The gateway of test_doubt stands before the sandbox and counts what is sent.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from asgiref.sync import async_to_sync
from django.utils import timezone
from pytest_django import Settings

from config.outbound import Fetcher
from generations import claims, lifecycle, places, wavespeed
from generations.models import Generation, Submission
from generations.steps import Steps
from tests.cast import Customer
from tests.generations import stage
from tests.generations.gateway import Gateway, assert_known_upstream
from tests.generations.stage import Status, accepted, assert_refunded, fresh

LOOKS = 4
NOW = timedelta()
UPSTREAM_REMEMBERS = timedelta(days=7)

Drive = Callable[[], None]


def assert_given_up_at_the_deadline(
    job: Generation, door: Gateway, look: Drive, settings: Settings, *, sent: int
) -> None:
    """However often one looks it stays in doubt, and is sent no more, until its time is up."""
    for _ in range(LOOKS):
        look()
    assert (fresh(job).status, len(door.submitted)) == (Status.IN_DOUBT, sent)
    stage.age(job, seconds=settings.PATIENCE_DOUBT_SECONDS + 1)
    look()
    assert_refunded(job, code=5000, says="could not hand this job over for certain")
    assert fresh(job).operator_note.startswith("may have been paid upstream")


def test_a_job_that_was_absent_for_long_is_sent_once_more_and_only_once(
    swallowed: Generation,
    door: Gateway,
    look: Drive,
    absent_long: Callable[[Generation], None],
    sandbox: str,
) -> None:
    for _ in range(LOOKS):
        look()
    assert len(door.submitted) == 1, "too early"
    absent_long(swallowed)
    door.takes, door.submit = True, None

    for _ in range(LOOKS):
        look()

    assert len(door.submitted) == len(accepted(sandbox, swallowed)) + 1 == 2
    assert door.submitted[0] == door.submitted[1]
    assert_refunded(swallowed, code=1403, says="could not make this video")
    outcomes = swallowed.submissions.order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == [Submission.Outcome.IN_DOUBT, Submission.Outcome.ACCEPTED]


def test_a_job_is_not_sent_again_a_moment_too_early(
    swallowed: Generation, door: Gateway, look: Drive, settings: Settings
) -> None:
    look()
    since = timezone.now() - timedelta(seconds=settings.ABSENCE_SECONDS - 30)
    Generation.objects.update(absent_since=since)

    look()

    assert fresh(swallowed).status == Status.IN_DOUBT
    assert fresh(swallowed).absent_since == since


def test_a_job_that_is_absent_a_second_time_fails_at_its_deadline(
    swallowed: Generation,
    door: Gateway,
    look: Drive,
    absent_long: Callable[[Generation], None],
    settings: Settings,
) -> None:
    look()
    absent_long(swallowed)
    look()
    look()
    assert (fresh(swallowed).status, len(door.submitted)) == (Status.IN_DOUBT, 2)
    assert fresh(swallowed).absent_since is None, "the second doubt begins anew"
    look()
    absent_long(swallowed)

    assert_given_up_at_the_deadline(swallowed, door, look, settings, sent=2)


def test_the_second_submission_may_be_found_too(
    swallowed: Generation,
    door: Gateway,
    look: Drive,
    absent_long: Callable[[Generation], None],
    sandbox: str,
) -> None:
    look()
    absent_long(swallowed)
    door.takes = True

    for _ in range(3):
        look()

    assert_known_upstream(swallowed, sandbox)
    assert len(door.submitted) == 2


def test_a_job_that_shows_up_after_its_absence_is_accepted(
    doubtful: Generation,
    door: Gateway,
    look: Drive,
    absent_long: Callable[[Generation], None],
    sandbox: str,
) -> None:
    door.hides = True
    look()
    absent_long(doubtful)
    door.hides = False

    look()

    assert_known_upstream(doubtful, sandbox)
    assert len(door.submitted) == 1


def test_a_job_that_shows_up_at_the_last_look_is_accepted(
    doubtful: Generation, look: Drive, settings: Settings, sandbox: str
) -> None:
    stage.age(doubtful, seconds=settings.PATIENCE_DOUBT_SECONDS + 1)

    look()

    assert_known_upstream(doubtful, sandbox)


def test_a_find_wins_over_the_second_submission_that_waits_for_a_place(
    doubtful: Generation,
    door: Gateway,
    look: Drive,
    absent_long: Callable[[Generation], None],
    sandbox: str,
) -> None:
    [taken] = accepted(sandbox, doubtful)
    door.hides = True
    look()
    absent_long(doubtful)
    look()
    [claimed] = places.claim(1, uuid4())

    # A driver that read the history earlier comes with its find only now.
    assert lifecycle.accept(doubtful, taken["id"], NOW)

    assert not lifecycle.start_submit(claimed, doubtful.upstream_image)
    assert_known_upstream(doubtful, sandbox)


def test_what_was_sent_before_the_history_begins_is_never_sent_again(
    swallowed: Generation,
    door: Gateway,
    look: Drive,
    absent_long: Callable[[Generation], None],
    settings: Settings,
) -> None:
    look()
    absent_long(swallowed)
    Submission.objects.update(sent_at=timezone.now() - UPSTREAM_REMEMBERS)

    assert_given_up_at_the_deadline(swallowed, door, look, settings, sent=1)


def test_a_job_whose_driver_died_in_mid_post_is_doubted_after_the_lease_and_sent_again(
    alice: Customer,
    door: Gateway,
    look: Drive,
    absent_long: Callable[[Generation], None],
    sandbox: str,
) -> None:
    job = stage.job(alice, prompt="[fail]")
    [claimed] = places.claim(1, uuid4())
    assert lifecycle.start_submit(claimed, f"https://pictures.test/{job.id.hex}")
    look()
    assert fresh(job).status == Status.SUBMITTING, "the lease protects it"

    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    look()

    assert fresh(job).status == Status.IN_DOUBT
    look()
    absent_long(job)
    look()
    look()
    assert len(door.submitted) == len(accepted(sandbox, job)) == 1
    assert fresh(job).status == Status.PROCESSING


def test_a_driver_that_slept_through_its_lease_cannot_post(alice: Customer, door: Gateway) -> None:
    job = stage.job(alice, prompt="[fail]")
    [late] = places.claim(1, uuid4())
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    take(late)

    assert door.submitted == []
    assert fresh(job).status == Status.CREATED
    assert not job.submissions.exists()


def test_a_driver_whose_job_is_another_s_by_now_cannot_post(
    alice: Customer, door: Gateway, sandbox: str
) -> None:
    job = stage.job(alice, prompt="[fail]")
    [late] = places.claim(1, uuid4())
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    [own] = places.claim(1, uuid4())

    take(late)
    assert door.submitted == []
    take(own)

    assert len(door.submitted) == len(accepted(sandbox, job)) == 1


def test_a_late_refusal_of_the_first_submission_does_not_undo_the_second(
    alice: Customer,
) -> None:
    job = stage.job(alice)
    [late] = places.claim(1, uuid4())
    assert lifecycle.start_submit(late, "https://pictures.test/a.jpg")
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    # Others doubt the job, find nothing, and send it once more.
    [other] = claims.claim(1, uuid4())
    lifecycle.doubt(other, NOW, "the driver stopped in mid-POST")
    lifecycle.submit_again(other)
    [second] = places.claim(1, uuid4())
    assert lifecycle.start_submit(second, "https://pictures.test/a.jpg")

    assert not lifecycle.put_back(late, NOW, "HTTP 429, read an hour later")

    assert fresh(job).status == Status.SUBMITTING


def test_a_driver_that_slept_before_it_had_a_job_sent_again_does_not_have_it_sent_a_third_time(
    swallowed: Generation,
    door: Gateway,
    look: Drive,
    absent_long: Callable[[Generation], None],
) -> None:
    look()
    absent_long(swallowed)
    Generation.objects.update(due_at=timezone.now())
    [late] = claims.claim(1, uuid4())
    assert lifecycle.may_submit_again(late)
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    for _ in range(3):
        look()
    assert (fresh(swallowed).status, len(door.submitted)) == (Status.IN_DOUBT, 2)

    assert not lifecycle.submit_again(late)

    assert fresh(swallowed).status == Status.IN_DOUBT


def take(job: Generation) -> None:
    """Take a claimed job one step further, as its driver would."""

    async def run() -> None:
        async with wavespeed.Client() as upstream, Fetcher() as fetcher:
            await Steps(upstream, fetcher).take(job)

    async_to_sync(run)()
