"""`python -m sandbox` as people start it, used through the official Python client."""

import importlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from sandbox.settings import Settings
from tests.sandbox.wavespeed_stage import MODEL, encoded, picture

# Imported by name because the client ships without annotations.
wavespeed = importlib.import_module("wavespeed")

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Running:
    """A sandbox in a process of its own."""

    url: str
    process: subprocess.Popen[str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    environment = os.environ | {
        "SANDBOX_PORT": str(port),
        "SANDBOX_URL": f"http://127.0.0.1:{port}",
        "SANDBOX_DATA": str(folder),
        "SANDBOX_JOB_SECONDS": "0.1",
        "WAVESPEED_API_KEY": "a-key",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox"],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    port = free_port()
    process = start(tmp_path, port)
    url = f"http://127.0.0.1:{port}"
    try:
        # Retries of the connection stand in for waiting until it listens.
        with httpx.Client(transport=_Patient(process)) as web:
            web.get(url)
        yield Running(url, process)
    finally:
        process.kill()
        process.communicate()


class _Patient(httpx.HTTPTransport):
    """Connects again and again while the process is alive and does not listen yet."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__()
        self._process = process

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        while True:
            try:
                return super().handle_request(request)
            except httpx.ConnectError:
                try:
                    self._process.wait(0.05)
                except subprocess.TimeoutExpired:
                    continue
                raise


def stopped(running: Running, number: signal.Signals) -> tuple[int, str]:
    running.process.send_signal(number)
    said, _ = running.process.communicate(timeout=PATIENCE_SECONDS)
    return running.process.returncode, said


def test_the_official_client_uploads_runs_and_reports_failure(
    running: Running, tmp_path: Path
) -> None:
    client = wavespeed.Client(api_key="a-key", base_url=running.url)
    path = tmp_path / "first frame.png"
    path.write_bytes(encoded(picture()))
    image = client.upload(str(path))
    assert image.startswith(running.url)
    inputs = {"image": image, "prompt": "a fox", "duration": 3}

    (url,) = client.run(MODEL, inputs, poll_interval=0.2)["outputs"]
    assert httpx.get(url).content[4:8] == b"ftyp"
    (url,) = client.run(MODEL, inputs, enable_sync_mode=True)["outputs"]
    assert httpx.get(url).content[4:8] == b"ftyp"

    with pytest.raises(RuntimeError, match=re.escape("Prediction failed (task_id: ")):
        client.run(MODEL, inputs | {"prompt": "[fail]"}, poll_interval=0.2)
    with pytest.raises(RuntimeError, match=r"HTTP 400: .*must be between 3 and 15"):
        client.run(MODEL, inputs | {"duration": 99})
    outcome = client.run_no_throw(MODEL, inputs | {"prompt": "[moderated]"}, poll_interval=0.2)
    assert (outcome["status"], outcome["outputs"]) == ("failed", None)
    jobs = httpx.get(f"{running.url}/_sandbox/predictions").json()["predictions"]
    assert [job["status"] for job in jobs] == ["completed", "completed", "failed", "failed"]


def test_the_official_client_is_told_about_a_wrong_key(running: Running) -> None:
    client = wavespeed.Client(api_key="other", base_url=running.url)
    with pytest.raises(RuntimeError, match=r"HTTP 401: .*Invalid API key"):
        client.run(MODEL, {})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_at_once_and_quietly(running: Running, number: signal.Signals) -> None:
    headers = {"Authorization": "Bearer a-key"}
    inputs = {"prompt": "a fox", "duration": 15, "resolution": "1080p"}
    model = MODEL.replace("image-to-video", "text-to-video")
    with httpx.Client(base_url=running.url, headers=headers) as web:
        assert web.post(f"/api/v3/{model}", json=inputs).status_code == 200
        code, said = stopped(running, number)
    assert (code, said) == (0, "")


def test_a_taken_port_is_named_in_one_line(running: Running, tmp_path: Path) -> None:
    with start(tmp_path / "second", int(running.url.rpartition(":")[2])) as second:
        try:
            said, _ = second.communicate(timeout=PATIENCE_SECONDS)
        finally:
            second.kill()
    assert second.returncode == 1
    assert said.startswith("The sandbox cannot start: ")
    assert said.count("\n") == 1


def test_the_front_page_lists_magic_words_and_test_cards(running: Running) -> None:
    page = httpx.get(running.url)
    assert page.headers["content-type"].startswith("text/html")
    assert "[moderated]" in page.text
    assert "4242 4242 4242 4242" in page.text


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment(
        {"SANDBOX_PORT": "9000", "SANDBOX_JOB_SECONDS": "0.5", "SANDBOX_CONCURRENCY": "3"}
    )
    assert (settings.port, settings.url) == (9000, "http://127.0.0.1:9000")
    assert (settings.job_seconds, settings.concurrency, settings.per_minute) == (0.5, 3, 0)
    assert Settings.from_environment({"SANDBOX_URL": "http://box/"}).url == "http://box"
    assert Settings.from_environment({}) == Settings()
    with pytest.raises(ValueError, match="invalid literal"):
        Settings.from_environment({"SANDBOX_PORT": "many"})
