"""The driver against the sandbox: every way a job can go, and who pays for it."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from pytest_django import Settings

from billing.models import Hold
from generations import lifecycle, places, steps
from generations.models import Generation
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import Status, accepted, age, assert_charged, assert_refunded, fresh

Drive = Callable[[], None]

DOCUMENTED = [
    ("[fail]", 1403, "The model could not make this video. Try again, or ask for it differently."),
    ("[moderated]", 1200, "safety check refused this picture or prompt. Change them"),
    ("[cancelled]", 1403, "The model could not make this video."),
    ("[timeout]", 1406, "The model did not finish in time. Try again."),
    ("[deleted]", 1403, "The model could not make this video."),
    ("[empty]", 1403, "delivered no video. Try again."),
    ("[garbage]", 1403, "What the model delivered is not a video. Try again."),
    ("[unreachable]", 1405, "could not be downloaded from the model. Try again."),
]


@pytest.mark.parametrize(("word", "code", "says"), DOCUMENTED)
def test_a_job_that_ends_badly_is_refunded_with_a_plain_reason(
    word: str, code: int, says: str, alice: Customer, settle: Drive, sandbox: str
) -> None:
    job = stage.job(alice, prompt=f"A horse {word}")

    settle()

    assert_refunded(job, code=code, says=says)
    assert len(accepted(sandbox, job)) == 1
    assert alice.available_micros == alice.balance_micros == 25_000_000
    assert not default_storage.exists("films")


def test_the_api_tells_programs_why_a_job_failed(alice: Customer, settle: Drive) -> None:
    job = stage.job(alice, prompt="[moderated]")
    settle()

    data = alice.get(f"/api/v3/predictions/{job.id.hex}/result").json()["data"]

    assert (data["status"], data["code"], data["outputs"]) == ("failed", 1200, [])
    assert "safety check" in data["error"]
    assert data["executionTime"] >= 0


@pytest.mark.parametrize("word", ["[429]", "[broke]"])
def test_a_refusal_for_load_or_money_waits_and_then_succeeds(
    word: str, alice: Customer, settle: Drive, run_driver: Drive, sandbox: str
) -> None:
    job = stage.job(alice, prompt=word)

    run_driver()
    waiting = fresh(job)
    assert waiting.status == Status.CREATED
    assert waiting.error == ""
    assert waiting.operator_note.startswith("HTTP 4")
    assert waiting.due_at > timezone.now()
    settle()

    assert_charged(job)
    assert len(accepted(sandbox, job)) == 1


def test_refusals_make_the_wait_longer(alice: Customer, run_driver: Drive) -> None:
    job = stage.job(alice, prompt="[429] [fail]")
    waits = []
    for attempts in (0, 5, 40):
        Generation.objects.update(attempts=attempts, due_at=timezone.now(), status=Status.CREATED)
        Hold.objects.update(state=Hold.State.HELD, settled_at=None)
        picture = stage.upload(alice, colour=f"#{attempts:06x}")
        Generation.objects.update(upload=picture, upstream_image="", lease_until=None)
        run_driver()
        waits.append((fresh(job).due_at - timezone.now()).total_seconds())

    assert waits[0] < 2
    assert 3 < waits[1] < 7
    assert 20 < waits[2] < 37
    at_the_real_upstream = steps.wait(Generation(attempts=40), (2.0, 300.0))
    assert 239 < at_the_real_upstream.total_seconds() < 361


def test_a_server_error_leaves_the_job_in_doubt_and_is_never_posted_again(
    alice: Customer, run_driver: Drive, sandbox: str
) -> None:
    job = stage.job(alice, prompt="[500]")
    for _ in range(6):
        run_driver()
        Generation.objects.update(due_at=timezone.now())

    # The sandbox would take the second POST.
    assert fresh(job).status == Status.IN_DOUBT
    assert "HTTP 500" in fresh(job).operator_note
    assert accepted(sandbox, job) == []
    assert stage.hold(job).state == Hold.State.HELD


def test_a_doubt_that_nothing_settles_fails_after_its_patience(
    alice: Customer, run_driver: Drive, settings: Settings
) -> None:
    job = stage.job(alice, prompt="[500]")
    run_driver()
    age(job, seconds=settings.PATIENCE_DOUBT_SECONDS + 1)
    Generation.objects.update(due_at=timezone.now())

    run_driver()

    assert_refunded(job, code=5000, says="could not hand this job over for certain")
    assert "may have been paid upstream; HTTP 500" in fresh(job).operator_note


def test_a_lost_answer_is_found_in_the_history(
    alice: Customer, run_driver: Drive, settle: Drive, sandbox: str
) -> None:
    job = stage.job(alice, prompt="[lost]")
    run_driver()
    assert fresh(job).status == Status.IN_DOUBT
    assert fresh(job).upstream_id is None

    settle()

    assert_charged(job)
    [taken] = accepted(sandbox, job)
    assert fresh(job).upstream_id == taken["id"]


def test_each_job_sends_its_own_copy_of_a_picture(
    alice: Customer, settle: Drive, sandbox: str
) -> None:
    picture = stage.upload(alice)
    jobs = [stage.job(alice, picture, prompt="[lost] [fail]") for _ in range(3)]

    settle()

    taken = [accepted(sandbox, job) for job in jobs]
    assert [len(one) for one in taken] == [1, 1, 1]
    assert len({one[0]["input"]["image"] for one in taken}) == 3
    assert [one[0]["id"] for one in taken] == [fresh(job).upstream_id for job in jobs]


def test_what_was_asked_for_arrives_upstream(alice: Customer, settle: Drive, sandbox: str) -> None:
    job = stage.job(alice, prompt="[fail] ü", resolution="1080p", duration=15, seed=7)

    settle()

    [taken] = accepted(sandbox, job)
    image = taken["input"].pop("image")
    assert image == fresh(job).upstream_image
    assert taken["input"] == {
        "prompt": "[fail] ü",
        "resolution": "1080p",
        "duration": 15,
        "seed": 7,
    }
    assert taken["model"] == "alibaba/happyhorse-1.1/image-to-video"


def test_a_stuck_job_is_polled_until_its_patience_ends(
    alice: Customer, run_driver: Drive, settings: Settings
) -> None:
    job = stage.job(alice, prompt="[stuck]")
    for _ in range(3):
        run_driver()
        Generation.objects.update(due_at=timezone.now())
    assert fresh(job).status == Status.PROCESSING
    age(job, seconds=settings.PATIENCE_RUNNING_SECONDS + 1)

    run_driver()

    assert_refunded(job, code=1406, says="The model did not finish in time. Try again.")
    assert "may have been paid upstream" in fresh(job).operator_note


def test_a_job_that_finds_no_place_fails_after_its_patience(
    alice: Customer, run_driver: Drive, sandbox: str, settings: Settings
) -> None:
    job = stage.job(alice)
    age(job, seconds=settings.PATIENCE_WAITING_SECONDS + 1)

    run_driver()

    assert_refunded(job, code=1406, says="No place became free for this job in time")
    assert accepted(sandbox, job) == []
    assert "paid upstream" not in fresh(job).operator_note


def test_an_upstream_that_is_down_makes_jobs_wait(
    alice: Customer, run_driver: Drive, settings: Settings
) -> None:
    settings.WAVESPEED_BASE_URL = "http://127.0.0.1:9"
    job = stage.job(alice)

    run_driver()

    assert fresh(job).status == Status.CREATED
    assert "WaveSpeed cannot be reached" in fresh(job).operator_note
    assert fresh(job).lease_until is None


def test_an_upstream_that_goes_down_costs_no_running_job(
    alice: Customer, run_driver: Drive, settle: Drive, settings: Settings, sandbox: str
) -> None:
    job = stage.job(alice)
    run_driver()
    settings.WAVESPEED_BASE_URL = "http://127.0.0.1:9"
    Generation.objects.update(due_at=timezone.now())

    run_driver()

    assert fresh(job).status == Status.PROCESSING
    settings.WAVESPEED_BASE_URL = sandbox
    settle()
    assert_charged(job)


def test_a_refused_key_is_our_trouble_and_not_the_customers(
    alice: Customer, run_driver: Drive, settle: Drive, settings: Settings
) -> None:
    right, settings.WAVESPEED_API_KEY = settings.WAVESPEED_API_KEY, "wrong"
    job = stage.job(alice)

    run_driver()

    assert fresh(job).status == Status.CREATED
    assert "HTTP 401" in fresh(job).operator_note
    settings.WAVESPEED_API_KEY = right
    settle()
    assert_charged(job)


def test_a_job_that_the_upstream_forgot_fails(alice: Customer, run_driver: Drive) -> None:
    job = stage.processing(alice, "no-such-prediction")

    run_driver()
    assert fresh(job).status == Status.PROCESSING, "just accepted, it may be known in a moment"
    age(job, seconds=steps.UNKNOWN_SECONDS + 1)
    Generation.objects.update(due_at=timezone.now())
    run_driver()

    assert_refunded(job, code=1403, says="could not make this video")
    assert "HTTP 404" in fresh(job).operator_note


def test_after_a_crash_between_claim_and_post_nothing_is_posted(
    alice: Customer, run_driver: Drive, sandbox: str, settings: Settings
) -> None:
    job = stage.job(alice)
    [claimed] = places.claim(1)
    lifecycle.start_submit(claimed, "https://pictures.test/copy.jpg")
    assert accepted(sandbox, job) == []

    run_driver()
    assert fresh(job).status == Status.SUBMITTING, "the lease still protects it"
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    for _ in range(4):
        run_driver()
        assert fresh(job).status == Status.IN_DOUBT
        Generation.objects.update(due_at=timezone.now())

    assert accepted(sandbox, job) == []
    assert fresh(job).operator_note == "the driver stopped in mid-POST"
    age(job, seconds=settings.PATIENCE_DOUBT_SECONDS + 1)
    run_driver()
    assert_refunded(job, code=5000, says="could not hand this job over for certain")


def test_after_a_crash_behind_the_post_the_one_submission_is_found(
    alice: Customer, run_driver: Drive, settle: Drive, sandbox: str
) -> None:
    job = stage.job(alice)
    run_driver()
    # As if the process had died before it could write down the answer.
    Generation.objects.update(
        status=Status.SUBMITTING, upstream_id=None, lease_until=timezone.now() - timedelta(1)
    )

    settle()

    assert_charged(job)
    assert len(accepted(sandbox, job)) == 1


def test_a_driver_leaves_a_leased_job_alone_until_the_lease_is_over(
    alice: Customer, run_driver: Drive, sandbox: str
) -> None:
    job = stage.job(alice, prompt="[fail]")
    places.claim(1)

    run_driver()
    assert accepted(sandbox, job) == []
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    run_driver()

    assert len(accepted(sandbox, job)) == 1


def test_a_late_driver_cannot_post_a_job_that_another_has_posted(
    alice: Customer, run_driver: Drive, sandbox: str
) -> None:
    job = stage.job(alice, prompt="[fail]")
    [late] = places.claim(1)
    Generation.objects.update(lease_until=None)
    run_driver()

    assert not lifecycle.start_submit(late, "https://pictures.test/late.jpg")
    assert len(accepted(sandbox, job)) == 1


def test_a_step_that_breaks_is_logged_and_stops_no_other(
    alice: Customer,
    run_driver: Drive,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken, sound = stage.job(alice), stage.job(alice)
    start = lifecycle.start_submit

    def start_or_break(job: Generation, image: str) -> bool:
        if job.pk == broken.pk:
            raise RuntimeError("a mistake of ours")
        return start(job, image)

    monkeypatch.setattr(lifecycle, "start_submit", start_or_break)
    with caplog.at_level(logging.ERROR, "generations.driver"):
        run_driver()

    assert f"This broke: the step of {broken.id.hex} created." in caplog.text
    assert fresh(broken).lease_until is not None
    assert fresh(sound).status == Status.PROCESSING


def test_a_picture_that_is_gone_ends_the_job_with_a_plain_reason(
    alice: Customer, settle: Drive
) -> None:
    job = stage.job(alice)
    assert job.upload is not None
    default_storage.delete(job.upload.file)

    settle()

    assert_refunded(job, code=1402, says="Your picture is gone. Upload it again.")


def test_a_film_that_came_out_shorter_is_shown_as_it_is_and_its_seconds_are_paid(
    alice: Customer, settle: Drive
) -> None:
    job = stage.job(alice, prompt="[short]")

    settle()

    done = fresh(job)
    assert_charged(done)
    assert (done.frames, done.duration_ms, done.seconds) == (48, 2000, "00:02")
    assert alice.balance_micros == 25_000_000 - 280_000
    assert done.operator_note == "came out 1 s shorter"
