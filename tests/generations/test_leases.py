"""Claims on jobs: one worker's for one lease, longest due first, and lost by who sleeps."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from generations import claims, failures, lifecycle, places
from generations.models import Generation
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import Status, fresh


def test_a_claimed_job_is_not_claimed_again_before_its_lease_ends(alice: Customer) -> None:
    job = stage.processing(alice)

    assert [claimed.pk for claimed in claims.claim(10)] == [job.pk]
    assert claims.claim(10) == []

    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert [claimed.pk for claimed in claims.claim(10)] == [job.pk]


@pytest.mark.parametrize("status", [Status.CREATED, Status.PROCESSING])
def test_a_claim_lives_for_one_lease_and_names_its_worker(status: Status, alice: Customer) -> None:
    job = stage.job(alice) if status == Status.CREATED else stage.processing(alice)
    worker = uuid4()
    claim = places.claim if status == Status.CREATED else claims.claim

    [claimed] = claim(1, worker)

    lease_until = fresh(job).lease_until
    assert lease_until is not None
    left = lease_until - timezone.now()
    assert claims.lease() - timedelta(seconds=10) < left <= claims.lease()
    assert claimed.leased_by == fresh(job).leased_by == worker


def test_a_lease_is_renewed_while_its_worker_is_at_work_and_for_nobody_else(
    alice: Customer,
) -> None:
    # Steps may last longer than a lease: it is renewed instead of being long.
    job, done, worker = stage.processing(alice), stage.processing(alice), uuid4()
    claimed = {one.pk: one for one in claims.claim(2, worker)}
    lifecycle.postpone(claimed[done.pk], timedelta(minutes=1))
    Generation.objects.filter(pk=job.pk).update(lease_until=timezone.now())

    half = timezone.now() + claims.lease() / 2
    held = Generation.objects.filter(lease_until__gt=half)

    claims.renew([job.pk], uuid4())
    assert not held.exists()
    claims.renew([job.pk, done.pk], worker)

    assert held.get() == job
    assert fresh(done).lease_until is None


def test_a_driver_that_lost_its_lease_ends_nobody_elses(alice: Customer) -> None:
    job = stage.processing(alice)
    [late] = claims.claim(1, uuid4())
    Generation.objects.filter(pk=job.pk).update(lease_until=timezone.now())
    [_] = claims.claim(1, uuid4())

    lifecycle.postpone(late, timedelta(minutes=1))

    assert fresh(job).lease_until is not None


def test_what_waits_for_a_place_is_claimed_only_when_it_has_waited_too_long(
    alice: Customer, settings: Settings
) -> None:
    waiting, overdue = stage.job(alice), stage.job(alice)
    long_ago = timezone.now() - timedelta(seconds=settings.PATIENCE_WAITING_SECONDS + 1)
    Generation.objects.filter(pk=overdue.pk).update(created_at=long_ago)

    assert [job.pk for job in claims.claim(10)] == [overdue.pk]
    assert [job.pk for job in places.claim(10)] == [waiting.pk]


def test_who_slept_through_a_lease_neither_sends_nor_puts_back_what_another_sent(
    alice: Customer,
) -> None:
    stage.job(alice)
    [sleeper] = places.claim(1, uuid4())
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert not lifecycle.start_submit(sleeper, "https://x/"), "nobody else has it, but may soon"
    [other] = places.claim(1, uuid4())

    assert not lifecycle.start_submit(sleeper, "https://x/")
    assert lifecycle.start_submit(other, "https://x/")
    assert not lifecycle.put_back(sleeper, timedelta(), "the picture could not be uploaded")

    assert fresh(other).status == Status.SUBMITTING
    assert other.submissions.get().outcome == "sent"


def test_claims_take_the_longest_due_first_and_no_more_than_asked(alice: Customer) -> None:
    jobs = [stage.processing(alice) for _ in range(3)]
    for minutes, job in enumerate(jobs):
        due_at = timezone.now() - timedelta(minutes=minutes)
        Generation.objects.filter(pk=job.pk).update(due_at=due_at)

    assert [job.pk for job in claims.claim(2)] == [jobs[2].pk, jobs[1].pk]


def test_jobs_that_are_not_due_or_finished_are_not_claimed(alice: Customer) -> None:
    done = stage.processing(alice)
    lifecycle.fail(done, failures.TOO_LATE)
    Generation.objects.filter(pk=done.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    for later in (stage.job(alice), stage.processing(alice)):
        Generation.objects.filter(pk=later.pk).update(due_at=timezone.now() + timedelta(minutes=1))

    assert claims.claim(10) == places.claim(10) == []


def test_a_hint_does_not_break_the_lease_of_a_job_under_work(alice: Customer) -> None:
    job = stage.processing(alice)
    claims.claim(1)

    lifecycle.make_due(str(job.pk))

    assert claims.claim(1) == []
