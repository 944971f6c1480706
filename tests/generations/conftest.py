"""Fixtures for the tests of jobs: a real film, a finished job, and a small web server."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as configuration
from pytest_django import Settings

from config.settings import WAVESPEED_PLAY_KEY
from generations import lifecycle, storage
from generations.models import Generation
from generations.storage import Film
from tests.cast import Customer
from tests.generations import stage
from tests.generations.web import Web
from tests.pictures import draw

FILM_SECONDS_MAX = 60


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
def web(settings: Settings) -> Iterator[Web]:
    """A web server of somebody else, whose private address is allowed for this test."""
    site = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.answer(self)

        def log_message(self, *_: Any) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.host = f"127.0.0.1:{server.server_port}"
    settings.PRIVATE_HOSTS_ALLOWED = {*settings.PRIVATE_HOSTS_ALLOWED, site.host}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield site
    site.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()
