"""WaveSpeed's own Python client works against us with nothing changed but its base URL."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from asgiref.sync import async_to_sync
from django.db import connections
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from wavespeed import Client  # type: ignore[import-untyped]  # the package has no types

from config.outbound import Fetcher
from generations import wavespeed as upstream
from generations.driver import Driver
from generations.models import Generation
from tests import cast
from tests.cast import Customer
from tests.generations import stage
from tests.generations.photographs import CONTENT_TYPES
from tests.pictures import draw

MODEL = "alibaba/happyhorse-1.1/image-to-video"
POLL_SECONDS = 0.05
ROUND_SECONDS = 0.05

pytestmark = pytest.mark.django_db(transaction=True)


async def _round() -> None:
    async with upstream.Client() as client, Fetcher() as fetcher:
        await Driver(client, fetcher).run_due()


@pytest.fixture
def driving(sandbox: str) -> Iterator[None]:
    """A driver in a thread of its own that finds every job due at once."""
    del sandbox
    over = threading.Event()

    def drive() -> None:
        try:
            while not over.wait(ROUND_SECONDS):
                Generation.objects.unfinished().update(due_at=timezone.now())
                async_to_sync(_round)()
        finally:
            connections.close_all()

    thread = threading.Thread(target=drive)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.fixture
def dora(live_server: LiveServer, settings: Settings) -> Customer:
    """A customer with $5 on a site that really listens."""
    settings.PUBLIC_URL = live_server.url
    return cast.customer("dora", "5")


@pytest.fixture
def client(dora: Customer, live_server: LiveServer) -> Client:
    """The official client with a key and our address, and nothing else set."""
    return Client(api_key=dora.secret, base_url=live_server.url)


@pytest.fixture
def image(client: Client, tmp_path: Path) -> str:
    """The address of an uploaded picture."""
    path = tmp_path / "horse.jpg"
    path.write_bytes(draw())
    return str(client.upload(str(path)))


def asked(image: str, prompt: str = "") -> dict[str, object]:
    """Return the input of a 3 s job."""
    return {"image": image, "prompt": prompt, **stage.SHORT}


@pytest.mark.usefixtures("driving")
def test_run_returns_the_address_of_the_film(client: Client, image: str, dora: Customer) -> None:
    result = client.run(MODEL, asked(image), poll_interval=POLL_SECONDS)

    [output] = result["outputs"]
    film = requests.get(output, timeout=10)
    assert film.headers["Content-Type"] == "video/mp4"
    assert film.content[4:8] == b"ftyp"
    assert len(film.content) == Generation.objects.get().size
    assert dora.balance_micros == dora.available_micros == 4_580_000


@pytest.mark.usefixtures("driving")
def test_run_raises_with_the_reason_when_the_job_fails(
    client: Client, image: str, dora: Customer
) -> None:
    with pytest.raises(RuntimeError, match="safety check refused") as failed:
        client.run(MODEL, asked(image, "[moderated]"), poll_interval=POLL_SECONDS)

    assert Generation.objects.get().id.hex in str(failed.value)
    assert dora.available_micros == 5_000_000


@pytest.mark.usefixtures("driving")
def test_run_no_throw_tells_success_and_failure(client: Client, image: str) -> None:
    good = client.run_no_throw(MODEL, asked(image), poll_interval=POLL_SECONDS)
    bad = client.run_no_throw(MODEL, asked(image, "[fail]"), poll_interval=POLL_SECONDS)

    assert (good["status"], good["error"]) == ("completed", None)
    assert requests.get(good["outputs"][0], timeout=10).status_code == 200
    assert (bad["status"], bad["outputs"]) == ("failed", None)
    assert "could not make this video" in bad["error"]
    jobs = Generation.objects.order_by("created_at")
    assert [good["task_id"], bad["task_id"]] == [job.id.hex for job in jobs]


@pytest.mark.usefixtures("driving")
def test_sync_mode_answers_with_the_film(client: Client, image: str) -> None:
    result = client.run(MODEL, asked(image), enable_sync_mode=True)

    assert result["outputs"][0].startswith(client.base_url)
    assert Generation.objects.get().status == "completed"


@pytest.mark.usefixtures("driving")
def test_sync_mode_tells_of_a_failure(client: Client, image: str) -> None:
    result = client.run_no_throw(MODEL, asked(image, "[fail]"), enable_sync_mode=True)

    assert (result["status"], result["outputs"]) == ("failed", None)
    assert result["task_id"] == Generation.objects.get().id.hex
    assert "could not make this video" in result["error"]


@pytest.mark.parametrize(("seconds", "places"), [(0.1, 4), (90, 0)])
def test_sync_mode_that_takes_too_long_says_where_to_look_later(
    seconds: float, places: int, client: Client, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generations.api.SYNC_SECONDS_MAX", seconds)
    monkeypatch.setattr("generations.api.SYNC_STEP_SECONDS", 0.02)
    monkeypatch.setattr("generations.api._sync_places", threading.BoundedSemaphore(places or 1))
    if not places:
        # Every place is taken: nobody may wait in a thread of the web server.
        monkeypatch.setattr("generations.api._sync_places", threading.Semaphore(0))

    result = client.run_no_throw(MODEL, asked(image), enable_sync_mode=True)

    job = Generation.objects.get()
    assert (result["status"], result["task_id"]) == ("processing", job.id.hex)
    assert f"timed out after {seconds} seconds" in result["error"]
    assert f"/api/v3/predictions/{job.id.hex}/result" in result["error"]


def test_get_result_shows_a_job_as_it_stands(client: Client, image: str, dora: Customer) -> None:
    job = dora.post(stage.MODEL, asked(image)).json()["data"]["id"]

    result = client.get_result(job)

    assert (result["code"], result["message"]) == (200, "success")
    assert (result["data"]["id"], result["data"]["status"]) == (job, "created")
    assert result["data"]["urls"]["get"] == f"{client.base_url}/api/v3/predictions/{job}/result"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_a_file_of_every_format_can_be_uploaded(kind: str, client: Client, tmp_path: Path) -> None:
    path = tmp_path / f"my horse.{kind.lower()}"
    path.write_bytes(draw(format=kind))

    address = client.upload(str(path))

    seen = requests.get(address, timeout=10)
    assert seen.content == path.read_bytes()
    assert seen.headers["Content-Type"] == CONTENT_TYPES[kind]
    assert address.startswith(client.base_url)


def test_a_picture_in_memory_can_be_uploaded(client: Client) -> None:
    # It has no name, so the client cannot say what type it is.
    address = client.upload(io.BytesIO(draw(format="PNG")))

    assert requests.get(address, timeout=10).headers["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.gif", draw(format="GIF"), "image/gif cannot be used"),
        ("a.jpg", draw()[:-2000], "not a complete JPEG"),
        ("a.png", draw(), "the three must agree"),
        ("a.jpg", draw(299, 400), "299 px wide"),
    ],
)
def test_a_picture_that_cannot_be_used_is_refused_with_the_reason(
    name: str, content: bytes, says: str, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(RuntimeError, match=says):
        client.upload(str(path))


@pytest.mark.parametrize(
    ("model", "changes", "says"),
    [
        (MODEL, {"duration": 99}, r"HTTP 400.*duration.*must be an integer from 3 to 15"),
        (MODEL, {"image": ""}, r"HTTP 400.*image.*is required"),
        (MODEL, {"resolution": "1080p", "duration": 15}, r"HTTP 402.*Add at least"),
        ("no/such-model", {}, r"HTTP 404.*not found"),
    ],
)
def test_a_refusal_reaches_the_program(
    model: str, changes: dict[str, object], says: str, client: Client, image: str, dora: Customer
) -> None:
    for _ in range(6):
        dora.post(stage.MODEL, asked(image))

    with pytest.raises(RuntimeError, match=says):
        client.run(model, {**asked(image), **changes})

    assert Generation.objects.count() == 6


def test_an_unknown_job_reaches_the_program(client: Client) -> None:
    with pytest.raises(RuntimeError, match=r"HTTP 404.*Prediction not found"):
        client.get_result("0" * 32)


def test_a_wrong_key_reaches_the_program(live_server: LiveServer) -> None:
    with pytest.raises(RuntimeError, match=r"HTTP 401.*Invalid API key"):
        Client(api_key="wrong", base_url=live_server.url).run(MODEL, {})
