"""Test jobs: drawn here without any upstream, ended by magic words, and paid with test credit."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from django.conf import settings as configuration
from django.core.files.storage import default_storage
from django.utils import timezone
from pytest_django import Settings

from accounts import webhooks
from accounts.models import Event, WebhookDelivery
from config.media import StorageDown
from generations import catalog, images, lifecycle, rehearsal, storage
from generations.models import Generation, Submission
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import Status, assert_charged, assert_refunded, fresh
from tests.generations.test_driver import DOCUMENTED
from tests.pictures import draw
from tests.web import Page, Web

Drive = Callable[[], None]


def film_of(job: Generation) -> Any:
    """Return the video stream of the job's stored film."""
    return av.open(str(Path(configuration.MEDIA_ROOT) / fresh(job).video)).streams.video[0]


def test_a_test_job_becomes_a_real_film_with_no_upstream_at_all(
    tess: Customer, alice: Customer, rehearse: Drive
) -> None:
    job = stage.job(tess, prompt="A horse")

    rehearse()

    assert_charged(job)
    done = fresh(job)
    assert (done.test, done.width, done.height, done.duration_ms) == (True, 960, 720, 3000)
    assert done.upstream_id == f"test-{job.id.hex}"
    assert film_of(job).codec.name == "h264"
    assert done.poster
    assert done.strip
    assert done.sha256
    assert tess.balance_micros == tess.available_micros == 100_000_000 - stage.PRICE_SHORT_MICROS
    assert alice.balance_micros == 25_000_000
    assert not Submission.objects.exists()


def test_a_film_from_words_is_drawn_too(tess: Customer, rehearse: Drive) -> None:
    job = stage.words_job(tess, "A quiet sea", aspect_ratio="9:16")

    rehearse()

    assert_charged(job)
    assert (film_of(job).width, film_of(job).height) == (720, 1280)


def test_the_same_seed_draws_the_same_film_and_another_another(
    tess: Customer, rehearse: Drive
) -> None:
    picture = stage.upload(tess)
    jobs = [stage.job(tess, picture, seed=seed) for seed in (7, 7, 9)]

    rehearse()

    first, again, other = [fresh(job).sha256 for job in jobs]
    assert first == again != other


@pytest.mark.parametrize(("word", "code", "says"), DOCUMENTED)
def test_a_magic_word_ends_a_test_job_as_it_ends_a_live_one(
    word: str, code: int, says: str, tess: Customer, rehearse: Drive
) -> None:
    job = stage.job(tess, prompt=f"A horse {word.upper()}")

    rehearse()

    assert_refunded(job, code=code, says=says)
    assert tess.available_micros == 100_000_000


def test_short_comes_out_a_second_shorter_and_gives_its_price_back(
    tess: Customer, rehearse: Drive
) -> None:
    job = stage.job(tess, prompt="[short]")

    rehearse()

    done = fresh(job)
    assert (done.duration_ms, done.shortfall_micros) == (2000, 140_000)
    assert tess.balance_micros == 100_000_000 - 280_000


@pytest.mark.parametrize(("word", "times"), [("[429]", 2), ("[500]", 1), ("[broke]", 2)])
def test_turned_away_it_waits_so_often_and_then_completes(
    word: str, times: int, tess: Customer, rehearse: Drive
) -> None:
    job = stage.job(tess, prompt=word)

    rehearse()

    assert_charged(job)
    assert fresh(job).attempts == times


def test_slow_takes_ten_times_as_long(tess: Customer, rehearse_once: Drive) -> None:
    jobs = [fresh(job) for job in (stage.job(tess), stage.job(tess, prompt="[slow]"))]
    rehearse_once()

    waits = [(fresh(job).due_at - fresh(job).status_since).total_seconds() for job in jobs]
    assert waits == [pytest.approx(1, abs=0.2), pytest.approx(10, abs=0.2)]


def test_stuck_stays_until_it_is_given_up(
    tess: Customer, rehearse_once: Drive, settings: Settings
) -> None:
    job = stage.job(tess, prompt="[stuck]")
    for _ in range(4):
        rehearse_once()
        Generation.objects.update(due_at=timezone.now())
    assert fresh(job).status == Status.PROCESSING

    stage.age(job, seconds=settings.PATIENCE_RUNNING_SECONDS + 1)
    rehearse_once()

    assert_refunded(job, code=1406, says="did not finish in time")
    assert "paid upstream" not in fresh(job).operator_note


def test_an_ordinary_prompt_says_no_magic_word(tess: Customer, rehearse: Drive) -> None:
    job = stage.job(tess, prompt="The horses fail, slow and short, at 429")

    rehearse()

    assert_charged(job)
    assert fresh(job).duration_ms == 3000


def test_a_picture_at_a_foreign_address_is_fetched(
    tess: Customer, rehearse: Drive, web: Web
) -> None:
    job = stage.job(tess, web.put("/a.jpg", Page(content=draw())))

    rehearse()

    assert_charged(job)
    upload = fresh(job).upload
    assert upload is not None
    assert upload.account == tess.account
    assert len(web.asked) == 1


def test_a_picture_that_cannot_be_had_fails_the_job(
    tess: Customer, rehearse: Drive, web: Web
) -> None:
    job = stage.job(tess, web.put("/a.jpg", Page(status=404)))

    rehearse()

    assert_refunded(job, code=1402, says="Your picture could not be downloaded.")


def test_a_picture_that_is_gone_fails_the_job(
    tess: Customer, rehearse: Drive, rehearse_once: Drive
) -> None:
    job = stage.job(tess)
    rehearse_once()
    assert job.upload is not None
    default_storage.delete(job.upload.file)

    rehearse()

    assert_refunded(job, code=1402, says="Your picture is gone. Upload it again.")


def test_while_the_storage_takes_nothing_the_job_waits(
    tess: Customer, rehearse_once: Drive, rehearse: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stage.job(tess)

    def full(*_: object) -> None:
        raise StorageDown("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "keep", full)
        rehearse_once()
        Generation.objects.update(due_at=timezone.now())
        rehearse_once()
        assert fresh(job).status == Status.PROCESSING

    rehearse()
    assert_charged(job)


def test_a_worker_that_died_in_the_middle_costs_nothing_but_time(
    tess: Customer, rehearse_once: Drive, rehearse: Drive
) -> None:
    job = stage.job(tess)
    rehearse_once()
    # Claimed for its film by a process that is no more.
    gone = timezone.now() - timedelta(seconds=1)
    Generation.objects.update(leased_by=uuid.uuid4(), lease_until=gone)

    rehearse()

    assert_charged(job)


def test_two_drivers_finish_a_job_once(
    tess: Customer, rehearse_once: Drive, production: None
) -> None:
    job = stage.job(tess)
    rehearse_once()
    films = [rehearsal._draw(fresh(job), draw(), False, threading.Event()) for _ in range(2)]

    assert [lifecycle.finish(fresh(job), film) for film in films] == [True, False]
    assert_charged(job)


def test_a_cancelled_test_job_is_not_begun(tess: Customer, rehearse: Drive) -> None:
    job = stage.job(tess)
    assert lifecycle.cancel(job)

    rehearse()

    assert_refunded(job, code=1403, says="Cancelled by you")


def test_the_end_is_told_to_the_webhook(tess: Customer, alice: Customer, rehearse: Drive) -> None:
    wanted = catalog.IMAGE_TO_VIDEO.clean(stage.body(stage.upload(tess)))
    webhooks.add(alice.account, "https://live.example/hook", [Event.COMPLETED])
    endpoint = webhooks.add(tess.account, "https://test.example/hook", [Event.COMPLETED])
    lifecycle.request(
        tess.account,
        catalog.IMAGE_TO_VIDEO,
        wanted,
        upload=images.own_upload(tess.account, wanted["image"]),
        webhook="https://once.example/hook",
    )

    rehearse()

    told = WebhookDelivery.objects.order_by("url")
    assert [one.url for one in told] == ["https://once.example/hook", endpoint.url]
    assert {one.account for one in told} == {tess.account}
