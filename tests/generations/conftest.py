"""Fixtures for the tests of jobs: a real film, a finished job, and jobs in doubt."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from django.conf import settings as configuration
from django.utils import timezone
from pytest_django import Settings

from config.settings import WAVESPEED_PLAY_KEY
from generations import catalog, lifecycle, storage
from generations.models import Generation, UpstreamState
from generations.storage import Film
from tests.cast import Customer
from tests.generations import gateway, stage
from tests.generations.gateway import Gateway
from tests.generations.stage import Status, fresh
from tests.pictures import draw

FILM_SECONDS_MAX = 60

Drive = Callable[[], None]


@pytest.fixture(scope="session", autouse=True)
def _static_folder() -> None:
    """Make the folder of static files, which the server of the tests looks for when it starts."""
    Path(configuration.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(scope="session")
def reel(sandbox_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of 3 s in 720p, made once by the sandbox from the drawn picture."""
    path = tmp_path_factory.mktemp("reel") / "film.mp4"
    key = {"Authorization": f"Bearer {WAVESPEED_PLAY_KEY}"}
    with httpx.Client(base_url=sandbox_url, headers=key, timeout=FILM_SECONDS_MAX) as upstream:
        sent = upstream.post(
            "/api/v3/media/upload/binary", files={"file": ("disc.jpg", draw(), "image/jpeg")}
        )
        image = sent.json()["data"]["download_url"]
        job = upstream.post(stage.MODEL, json={**stage.body(image), "prompt": "", "seed": 1})
        done = upstream.get(f"/api/v3/predictions/{job.json()['data']['id']}/result")
        path.write_bytes(upstream.get(done.json()["data"]["outputs"][0]).content)
    return path


class Shelf:
    """Keeps the files of one finished film, so that it is cut once and copied afterwards."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._film: Film | None = None

    def film(self, generation: Generation, reel: Path, media: Path) -> Film:
        """Put the film into this test's media folder."""
        if self._film is None:
            self._film = storage.keep(generation, reel)
            shutil.copytree(media / "films", self._folder / "films")
        else:
            shutil.copytree(self._folder / "films", media / "films")
        return self._film


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Where the one film waits for the next test."""
    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def finished(alice: Customer, reel: Path, shelf: Shelf, settings: Settings) -> Generation:
    """Alice's finished and paid job, with its film in our storage."""
    generation = stage.processing(alice)
    assert lifecycle.finish(generation, shelf.film(generation, reel, Path(settings.MEDIA_ROOT)))
    return stage.fresh(generation)


@pytest.fixture
def with_1080p(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer films from words in 1080p too, at $0.2015 a second."""
    model = catalog.text_to_video("0.2015")
    monkeypatch.setitem(catalog.MODELS, model.id, model)


@pytest.fixture
def door(sandbox: str, settings: Settings) -> Iterator[Gateway]:
    """The gateway through which the upstream is reached."""
    with gateway.opened(sandbox) as (address, door):
        settings.WAVESPEED_BASE_URL = address
        yield door


@pytest.fixture
def look(run_driver: Drive) -> Drive:
    """Take every job one step further, whenever it is due."""

    def once() -> None:
        UpstreamState.objects.update(probe_at=None)
        Generation.objects.update(due_at=timezone.now())
        run_driver()

    return once


@pytest.fixture
def doubtful(alice: Customer, door: Gateway, look: Drive) -> Generation:
    """A job that was taken, and whose answer was lost."""
    door.submit = 504
    job = stage.job(alice, prompt="[fail]")
    look()
    assert fresh(job).status == Status.IN_DOUBT
    return fresh(job)


@pytest.fixture
def swallowed(alice: Customer, door: Gateway, look: Drive) -> Generation:
    """A job in doubt whose submission never arrived."""
    door.submit, door.takes = 504, False
    job = stage.job(alice, prompt="[fail]")
    look()
    assert fresh(job).status == Status.IN_DOUBT
    return fresh(job)


@pytest.fixture
def absent_long(settings: Settings) -> Callable[[Generation], None]:
    """Let the time pass for which a job must be absent before it is sent once more."""

    def age(job: Generation) -> None:
        assert fresh(job).absent_since is not None
        since = timezone.now() - timedelta(seconds=settings.ABSENCE_SECONDS)
        Generation.objects.filter(pk=job.pk).update(absent_since=since)

    return age
