"""How a job can end upstream, and what that means here: each outcome has one end.

Played by the sandbox, in test_driver: failed, moderated, cancelled, timeout, deleted, completed
without outputs, an output that is gone, and one that is no video; a film that is shorter than
asked there and in test_shortfall. Here an upstream says what the sandbox never would.
"""

import errno
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from pytest_django import Settings

from billing.models import Hold
from config import media
from generations import audit, failures, lifecycle, storage
from generations.models import DiscardedFile, Generation
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import Status, assert_charged, assert_refunded, fresh
from tests.web import Page, Web

FILM = "/film.mp4"
FILES_OF_A_FILM = 5

Drive = Callable[[], None]


class Upstream:
    """An upstream with one job, about which it says what it is told to say."""

    def __init__(self, web: Web, job: Generation) -> None:
        self._web = web
        self._path = f"/api/v3/predictions/{job.id.hex}/result"
        self._id = job.id.hex
        self.says(status="processing")

    def says(self, **told: Any) -> None:
        """Say this of the job from now on."""
        said = {"code": 200, "message": "success", "data": {"id": self._id, **told}}
        self.answers(Page(content=json.dumps(said).encode()))

    def answers(self, page: Page) -> None:
        """Answer this when asked for the job."""
        self._web.put(self._path, page)

    def completes(self, page: Page) -> None:
        """Have finished, with this behind the address of the film."""
        self.says(status="completed", outputs=[self._web.put(FILM, page)])


@pytest.fixture
def job(alice: Customer) -> Generation:
    """A job that the upstream has."""
    return stage.processing(alice)


@pytest.fixture
def upstream(job: Generation, sandbox: str, web: Web, settings: Settings) -> Upstream:
    """The upstream that has the job."""
    settings.WAVESPEED_BASE_URL = web.url("")
    return Upstream(web, job)


@pytest.fixture
def film(reel: Path) -> Page:
    """The page of a real film."""
    return Page(content=reel.read_bytes())


def assert_still_running(job: Generation) -> None:
    """Check that the job waits to be looked at again, at a later moment."""
    running = fresh(job)
    assert (running.status, running.lease_until) == (Status.PROCESSING, None)
    assert running.due_at > timezone.now()
    assert stage.hold(job).state == Hold.State.HELD


@pytest.mark.parametrize("status", ["queued", "starting", "COMPLETED", "succeeded", "", None])
def test_an_unknown_status_is_watched_until_the_deadline(
    status: object, job: Generation, upstream: Upstream, look: Drive, settings: Settings
) -> None:
    upstream.says(status=status, outputs=[])
    look()
    look()
    assert_still_running(job)
    assert fresh(job).attempts == 2
    stage.age(job, seconds=settings.PATIENCE_RUNNING_SECONDS + 1)

    look()

    assert_refunded(job, code=1406, says="The model did not finish in time. Try again.")
    assert fresh(job).operator_note == "may have been paid upstream"


def test_a_film_that_is_there_at_the_last_look_is_taken(
    job: Generation, upstream: Upstream, look: Drive, film: Page, settings: Settings
) -> None:
    upstream.says(status="queued")
    look()
    stage.age(job, seconds=settings.PATIENCE_RUNNING_SECONDS + 1)
    upstream.completes(film)

    look()

    assert_charged(job)
    assert audit.faults() == []


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        (0, failures.MODEL_FAILED),
        (1200, failures.MODERATED),
        (1400, failures.INPUT_REFUSED),
        (1401, failures.INPUT_REFUSED),
        (1402, failures.upstream(1402, "failed")),
        (1403, failures.MODEL_FAILED),
        (1405, failures.MODEL_FAILED),
        (1406, failures.TOO_LATE),
        (1407, failures.OURS),
        (5000, failures.MODEL_FAILED),
        (5003, failures.MODEL_FAILED),
    ],
)
def test_a_failed_job_says_why_in_our_words(
    code: int, ends: failures.Failure, job: Generation, upstream: Upstream, look: Drive
) -> None:
    upstream.says(status="failed", code=code, error="An upstream's own words.")

    look()

    assert_refunded(job, code=ends.code, says=ends.sentence)
    assert fresh(job).operator_note == "failed: An upstream's own words."


@pytest.mark.parametrize("status", ["failed", "cancelled", "timeout", "deleted"])
def test_an_end_without_a_reason_is_an_end(
    status: str, job: Generation, upstream: Upstream, look: Drive
) -> None:
    upstream.says(status=status, code=None, error=None, outputs=None)

    look()

    code = 1406 if status == "timeout" else 1403
    assert_refunded(job, code=code, says=failures.upstream(0, status).sentence)
    assert fresh(job).operator_note == f"{status}: "


@pytest.mark.parametrize("told", [{}, {"outputs": None}, {"outputs": []}])
def test_completed_without_outputs_is_no_film(
    told: dict[str, Any], job: Generation, upstream: Upstream, look: Drive
) -> None:
    upstream.says(status="completed", **told)

    look()

    assert_refunded(job, code=1403, says="delivered no video")
    assert fresh(job).operator_note == "completed without outputs"


@pytest.mark.parametrize(
    "page",
    [
        Page(status=401),
        Page(status=429),
        Page(status=500),
        Page(status=504, content=b"<html>"),
        Page(content=b"not JSON"),
        Page(content=b'{"code":200,"data":null}'),
        Page(content=b'{"code":200,"data":{"id":""}}'),
    ],
    ids=["401", "429", "500", "504", "no JSON", "no data", "no id"],
)
def test_a_poll_that_goes_wrong_is_no_outcome(
    page: Page, job: Generation, upstream: Upstream, look: Drive
) -> None:
    upstream.answers(page)

    look()

    assert_still_running(job)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_an_output_that_is_unreachable_for_now_is_fetched_later(
    status: int, job: Generation, upstream: Upstream, look: Drive, film: Page, settings: Settings
) -> None:
    upstream.completes(Page(status=status))
    look()
    assert_still_running(job)
    since = fresh(job).fetching_since
    assert since is not None
    # It has come out; how long it ran does not matter any more.
    stage.age(job, seconds=settings.PATIENCE_RUNNING_SECONDS + 1)
    look()
    assert_still_running(job)
    assert fresh(job).fetching_since == since
    upstream.completes(film)

    look()

    assert_charged(job)


def test_an_output_that_stays_unreachable_is_given_up_after_its_patience(
    job: Generation, upstream: Upstream, look: Drive, settings: Settings
) -> None:
    upstream.completes(Page(status=503))
    look()
    patience = timedelta(seconds=settings.PATIENCE_FETCHING_SECONDS)
    minute = timedelta(minutes=1)
    Generation.objects.update(fetching_since=timezone.now() - patience + minute)
    look()
    assert_still_running(job)
    Generation.objects.update(fetching_since=timezone.now() - patience)

    look()

    assert_refunded(job, code=1405, says="could not be downloaded from the model. Try again.")
    assert "503" in fresh(job).operator_note
    assert not default_storage.exists("films")


@pytest.mark.parametrize(
    "output",
    [
        "",
        "film.mp4",
        "ftp://films.test/film.mp4",
        "http://10.0.0.1/film.mp4",
        "http://127.0.0.1:1/film.mp4",
    ],
)
def test_an_output_at_an_impossible_address_ends_the_job_at_once(
    output: str, job: Generation, upstream: Upstream, look: Drive
) -> None:
    upstream.says(status="completed", outputs=[output])

    look()

    assert_refunded(job, code=1405, says="could not be downloaded from the model. Try again.")


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_output_that_is_gone_for_good_ends_the_job_at_once(
    status: int, job: Generation, upstream: Upstream, look: Drive
) -> None:
    upstream.completes(Page(status=status))

    look()

    assert_refunded(job, code=1405, says="could not be downloaded from the model. Try again.")
    assert str(status) in fresh(job).operator_note


def test_an_output_that_is_too_large_ends_the_job_at_once(
    job: Generation,
    upstream: Upstream,
    look: Drive,
    film: Page,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storage, "VIDEO_BYTES_MAX", len(film.content) - 1)
    upstream.completes(film)

    look()

    assert_refunded(job, code=1405, says="could not be downloaded from the model. Try again.")
    assert "larger than" in fresh(job).operator_note
    assert not default_storage.exists("films")


def test_an_output_of_exactly_the_largest_size_is_taken(
    job: Generation,
    upstream: Upstream,
    look: Drive,
    film: Page,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storage, "VIDEO_BYTES_MAX", len(film.content))
    upstream.completes(film)

    look()

    assert_charged(job)


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"\xff\xd8\xff\xe0JFIF"])
def test_an_output_that_is_not_a_video_ends_the_job_at_once(
    content: bytes, job: Generation, upstream: Upstream, look: Drive
) -> None:
    upstream.completes(Page(content=content))

    look()

    assert_refunded(job, code=1403, says="What the model delivered is not a video. Try again.")
    assert not default_storage.exists("films")


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A disk that takes nothing until this is undone."""

    def save(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(media.Folder, "save", save)
    return monkeypatch


def test_a_film_that_our_storage_does_not_take_is_fetched_later(
    job: Generation, upstream: Upstream, look: Drive, film: Page, full: pytest.MonkeyPatch
) -> None:
    upstream.completes(film)
    look()
    assert_still_running(job)
    assert fresh(job).fetching_since is not None
    full.undo()

    look()

    assert_charged(job)


def test_a_film_that_our_storage_never_takes_is_given_up_after_its_patience(
    job: Generation,
    upstream: Upstream,
    look: Drive,
    film: Page,
    full: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    upstream.completes(film)
    since = timezone.now() - timedelta(seconds=settings.PATIENCE_FETCHING_SECONDS)
    Generation.objects.update(fetching_since=since)

    look()

    assert_refunded(job, code=1405, says="could not be downloaded")
    assert "No space left on device" in fresh(job).operator_note


def test_a_film_that_comes_home_after_the_end_costs_nothing_and_leaves_no_files(
    job: Generation,
    upstream: Upstream,
    look: Drive,
    film: Page,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finish = lifecycle.finish

    def finish_too_late(generation: Generation, kept: storage.Film) -> bool:
        # Another driver gave the job up while this one kept its film.
        lifecycle.fail(fresh(generation), failures.TOO_LATE)
        return finish(generation, kept)

    monkeypatch.setattr(lifecycle, "finish", finish_too_late)
    upstream.completes(film)

    look()

    assert_refunded(job, code=1406, says="did not finish in time")
    assert DiscardedFile.objects.filter(name__contains=job.id.hex).count() == FILES_OF_A_FILM
