"""Trouble that is the operator's: submitting pauses, everyone waits, nobody fails, one letter."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from generations import lifecycle, places
from generations.models import Generation, Submission, UpstreamState
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import Status, accepted, fresh
from tests.ports import free_port

UPSTREAM_IMAGE = "https://pictures.test/copy.jpg"
NOW = timedelta()

Drive = Callable[[], None]
Trouble = UpstreamState.Trouble


@pytest.fixture(autouse=True)
def _letters(settings: Settings) -> None:
    """Give the operator an address."""
    settings.ADMINS = [("Operator", "operator@gallop.example")]


@pytest.fixture
def drive(
    run_driver: Drive,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[list[Any]]],
) -> Drive:
    """Run the driver once, and send what it has to say."""

    def run() -> None:
        with django_capture_on_commit_callbacks(execute=True):
            run_driver()

    return run


@pytest.fixture
def upstream_down(settings: Settings, sandbox: str) -> None:
    """Nobody answers upstream."""
    settings.WAVESPEED_BASE_URL = f"http://127.0.0.1:{free_port()}"


def waiting(customer: Customer, count: int, **inputs: Any) -> list[Generation]:
    """Request so many jobs with one picture."""
    picture = stage.upload(customer)
    return [stage.job(customer, picture, **inputs) for _ in range(count)]


def let_probe() -> None:
    """Let the time come for the next probe, and every waiting job be due."""
    UpstreamState.objects.update(probe_at=timezone.now())
    Generation.objects.filter(status=Status.CREATED).update(due_at=timezone.now())


def subjects() -> list[str]:
    """Return what the operator was told so far."""
    return [letter.subject.removeprefix("[Django] ") for letter in mail.outbox]


def test_without_money_upstream_submitting_pauses_and_the_operator_is_told_once(
    alice: Customer, drive: Drive, sandbox: str
) -> None:
    jobs = waiting(alice, 3, prompt="[broke] [fail]")

    drive()

    assert [fresh(job).status for job in jobs] == [Status.CREATED] * 3
    assert places.state().trouble == Trouble.MONEY
    assert places.claim(10) == []
    paused = "Submitting is paused: the account with the upstream is out of money"
    assert subjects() == [paused]
    assert "Insufficient credits" in mail.outbox[0].body

    let_probe()
    drive()
    assert subjects() == [paused], "the probe met the same trouble: nothing new"


def test_jobs_go_on_by_themselves_when_the_money_is_there_again(
    alice: Customer, drive: Drive, settle: Drive, sandbox: str
) -> None:
    # The stand-in refuses the same picture and prompt twice, then takes it.
    jobs = [stage.job(alice, stage.upload(alice), prompt="[broke] [fail]")]
    jobs += waiting(alice, 2, prompt="[fail]")
    lifecycle.put_back(jobs[1], timedelta(hours=1), "an earlier refusal")
    lifecycle.put_back(jobs[2], timedelta(hours=1), "an earlier refusal")
    drive()
    Generation.objects.filter(pk=jobs[0].pk).update(due_at=timezone.now())
    for _ in range(2):
        UpstreamState.objects.update(probe_at=timezone.now())
        Generation.objects.filter(pk=jobs[0].pk).update(due_at=timezone.now())
        drive()

    assert fresh(jobs[0]).status == Status.PROCESSING
    assert places.state().trouble == Trouble.NONE
    assert subjects()[1:] == ["Submitting goes on"]
    # Those put back wait no hour.
    assert {job.pk for job in places.claim(10)} == {jobs[1].pk, jobs[2].pk}


def test_a_refused_key_pauses_and_a_right_one_goes_on(
    alice: Customer, drive: Drive, settings: Settings, sandbox: str
) -> None:
    right, settings.WAVESPEED_API_KEY = settings.WAVESPEED_API_KEY, "wrong"
    jobs = waiting(alice, 2, prompt="[fail]")
    drive()
    assert places.state().trouble == Trouble.KEY
    assert subjects() == ["Submitting is paused: the upstream refuses our key"]

    settings.WAVESPEED_API_KEY = right
    let_probe()
    drive()

    assert places.state().trouble == Trouble.NONE
    assert subjects()[1:] == ["Submitting goes on"]
    drive()
    assert [fresh(job).status for job in jobs] == [Status.PROCESSING] * 2
    assert all(len(accepted(sandbox, job)) == 1 for job in jobs)


def test_a_new_spell_of_trouble_is_told_again(
    alice: Customer, drive: Drive, settings: Settings, sandbox: str
) -> None:
    right = settings.WAVESPEED_API_KEY
    for key in ("wrong", right, "wrong"):
        stage.job(alice, prompt="[fail]")
        settings.WAVESPEED_API_KEY = key
        let_probe()
        drive()

    paused = "Submitting is paused: the upstream refuses our key"
    assert subjects() == [paused, "Submitting goes on", paused]


def test_an_upstream_that_is_down_is_told_of_after_three_probes(
    alice: Customer, drive: Drive, settings: Settings, sandbox: str, upstream_down: None
) -> None:
    jobs = waiting(alice, 5, prompt="[fail]")
    drive()
    assert places.state().trouble == Trouble.DOWN
    for told in (0, 0, 1, 1):
        let_probe()
        drive()
        assert len(subjects()) == told
    assert {fresh(job).status for job in jobs} == {Status.CREATED}
    assert not Submission.objects.exists()

    settings.WAVESPEED_BASE_URL = sandbox
    let_probe()
    drive()

    assert subjects() == [
        "Submitting is paused: the upstream does not answer",
        "Submitting goes on",
    ]


def test_a_short_spell_that_nobody_was_told_of_ends_without_a_word(
    alice: Customer, drive: Drive, settings: Settings, sandbox: str, upstream_down: None
) -> None:
    stage.job(alice, prompt="[fail]")
    drive()
    assert places.state().trouble == Trouble.DOWN

    settings.WAVESPEED_BASE_URL = sandbox
    let_probe()
    drive()

    assert places.state().trouble == Trouble.NONE
    assert subjects() == []


def test_one_job_at_a_time_sees_whether_the_trouble_is_over(alice: Customer) -> None:
    waiting(alice, 4)
    places.note_trouble(Trouble.DOWN, "connection refused")
    assert places.claim(10) == []

    let_probe()
    [probe] = places.claim(10)
    assert places.claim(10) == []

    # Whatever the clock says: the one that was sent has no answer yet.
    let_probe()
    assert places.claim(10) == []
    lifecycle.start_submit(probe, UPSTREAM_IMAGE)
    let_probe()
    assert places.claim(10) == []

    lifecycle.put_back(probe, NOW, "connection refused")
    let_probe()
    assert len(places.claim(10)) == 1


def test_probes_come_at_growing_intervals_up_to_a_limit(alice: Customer) -> None:
    stage.job(alice)
    places.note_trouble(Trouble.DOWN, "connection refused")
    waits = []
    for _ in range(7):
        let_probe()
        now = timezone.now()
        [probe] = places.claim(10)
        probe_at = places.state().probe_at
        assert probe_at is not None
        waits.append((probe_at - now).total_seconds())
        lifecycle.put_back(probe, NOW, "connection refused")
        places.note_trouble(Trouble.DOWN, "connection refused")

    assert waits == pytest.approx([1, 2, 4, 8, 10, 10, 10], abs=0.9)


def test_five_doubts_in_a_row_mean_that_the_upstream_is_down(
    alice: Customer, drive: Drive, sandbox: str
) -> None:
    # Each of them is answered 500 once.
    jobs = [stage.job(alice, stage.upload(alice), prompt=f"[500] {n}") for n in range(5)]
    for job in jobs[:4]:
        Generation.objects.exclude(pk=job.pk).update(lease_until=timezone.now() + timedelta(1))
        drive()
        Generation.objects.update(lease_until=None)
        assert fresh(job).status == Status.IN_DOUBT
        assert places.state().trouble == Trouble.NONE
    drive()

    assert [fresh(job).status for job in jobs] == [Status.IN_DOUBT] * 5
    assert places.state().trouble == Trouble.DOWN


def test_doubts_with_an_answer_between_them_are_no_trouble(alice: Customer) -> None:
    for number, job in enumerate(waiting(alice, 7)):
        lifecycle.start_submit(job, UPSTREAM_IMAGE)
        if number == 3:
            lifecycle.accept(job, "up", NOW)
        else:
            lifecycle.doubt(job, NOW, "504")
            places.note_doubt("504")

    assert places.state().trouble == Trouble.NONE


def test_polling_goes_on_during_trouble(alice: Customer, drive: Drive, sandbox: str) -> None:
    running = stage.job(alice, prompt="[fail]")
    drive()
    assert fresh(running).status == Status.PROCESSING
    places.note_trouble(Trouble.MONEY, "Insufficient credits")
    waits = stage.job(alice, prompt="[fail]")
    Generation.objects.update(due_at=timezone.now())

    drive()

    assert fresh(running).status == Status.FAILED
    assert stage.hold(running).state == "released"
    assert fresh(waits).status == Status.CREATED
    assert accepted(sandbox, waits) == []


def test_who_waits_too_long_is_refunded_during_trouble_too(
    alice: Customer, drive: Drive, settings: Settings, sandbox: str
) -> None:
    places.note_trouble(Trouble.MONEY, "Insufficient credits")
    overdue, patient = waiting(alice, 2)
    long_ago = timezone.now() - timedelta(seconds=settings.PATIENCE_WAITING_SECONDS + 1)
    Generation.objects.filter(pk=overdue.pk).update(created_at=long_ago, status_since=long_ago)

    drive()

    assert fresh(overdue).status == Status.FAILED
    assert fresh(overdue).error.startswith("No place became free for this job in time")
    assert stage.hold(overdue).state == "released"
    assert fresh(patient).status == Status.CREATED
    assert alice.available_micros == 25_000_000 - patient.price_micros
    assert accepted(sandbox, overdue) == []
