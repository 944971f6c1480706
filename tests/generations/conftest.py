"""Fixtures for the tests of jobs: a real film, a finished job, and jobs in doubt."""

import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as configuration
from django.utils import timezone
from pytest_django import Settings

from config.outbound import Fetcher
from config.settings import WAVESPEED_PLAY_KEY
from generations import catalog, lifecycle, storage, wavespeed
from generations.driver import Driver
from generations.models import Generation, UpstreamState
from generations.storage import Film
from tests.bucket import Bucket, start
from tests.cast import Customer
from tests.conftest import READY_SECONDS_MAX, await_answer
from tests.generations import gateway, stage
from tests.generations.gateway import Gateway
from tests.generations.stage import Status, fresh
from tests.pictures import draw
from tests.ports import free_port

FILM_SECONDS_MAX = 60
REHEARSAL_ROUNDS_MAX = 10
# Nobody listens there.
NOWHERE = "http://127.0.0.1:9"

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


@pytest.fixture
def production(settings: Settings) -> None:
    """Settings as a site has them that sells real films, with an upstream that nobody reaches."""
    settings.SANDBOX = False
    settings.WAVESPEED_API_KEY = "a-real-key"
    settings.WAVESPEED_BASE_URL = NOWHERE
    settings.STRIPE_API_BASE = NOWHERE


@pytest.fixture
def rehearse_once(production: None) -> Drive:
    """Take what is due one step further; nothing upstream can be reached."""

    async def once() -> None:
        async with wavespeed.Client() as upstream, Fetcher() as fetcher:
            await Driver(upstream, fetcher).run_due()

    return async_to_sync(once)


@pytest.fixture
def rehearse(rehearse_once: Drive) -> Drive:
    """Drive every job to its end, making each due at once."""

    def to_the_end() -> None:
        for _ in range(REHEARSAL_ROUNDS_MAX):
            if not Generation.objects.unfinished().update(due_at=timezone.now()):
                return
            rehearse_once()
        raise AssertionError(list(Generation.objects.unfinished()))

    return to_the_end


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the stand-in."""
    port = free_port()
    process = start(port, tmp_path_factory.mktemp("bucket"))
    url = f"http://127.0.0.1:{port}"
    await_answer(f"{url}/moto-api/data.json")
    yield url
    process.terminate()
    try:
        process.wait(READY_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()


@pytest.fixture
def bucket(s3_url: str, settings: Settings) -> Iterator[Bucket]:
    """An empty bucket, in which this test keeps its media."""
    made = Bucket(f"gallop-{secrets.token_hex(8)}", s3_url)
    made.use(settings)
    yield made
    made.close()


@pytest.fixture
def down(bucket: Bucket, settings: Settings) -> Bucket:
    """The bucket, out of reach."""
    bucket.use(settings, endpoint_url=f"http://127.0.0.1:{free_port()}")
    return bucket


@pytest.fixture
def filmed(alice: Customer, reel: Path, bucket: Bucket) -> Generation:
    """Alice's finished job, its film in the bucket."""
    job = stage.processing(alice)
    assert lifecycle.finish(job, storage.keep(job, reel))
    return fresh(job)
