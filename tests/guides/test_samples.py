"""Every sample of the guides, copied from its page and run against a live site."""

import json
import re
import socket
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from django.conf import settings

from generations.docs_pages import GUIDES
from tests import house
from tests.clients.program import assert_film
from tests.guides.samples import Machine, on_page

pytestmark = pytest.mark.xdist_group("guides")

LANGUAGES = ("curl", "python", "javascript")
SCRIPTED = ("python", "javascript")
JOB = re.compile(r"\b[0-9a-f]{32}\b")
FOLDER = Path(settings.BASE_DIR) / "templates" / "guides" / "samples"
# What the tests below run; the last test compares it with what the pages show.
RUN = {
    "/docs": {"upload", "words", "price", "balance"},
    "/docs/submit": {"submit"},
    "/docs/poll": {"poll"},
    "/docs/webhook": {"webhook"},
    "/docs/upload": {"upload", "put"},
    "/docs/errors": {"errors"},
    "/docs/idempotency": {"idempotency"},
    "/docs/test-mode": {"test-mode"},
    "/docs/limits": {"limits"},
}


def finished(machine: Machine, job: str, key: str = "") -> dict[str, Any]:
    """Return a job when it has ended."""
    headers = {"Authorization": f"Bearer {key or machine.key}"}

    def look() -> dict[str, Any] | None:
        address = f"{machine.url}/api/v3/predictions/{job}/result"
        data: dict[str, Any] = httpx.get(address, headers=headers).raise_for_status().json()["data"]
        return data if data["status"] in {"completed", "failed"} else None

    return house.wait_for(look)


def film_of(machine: Machine, job: str) -> str:
    """Return the film's address of a job that ends well."""
    ended = finished(machine, job)
    assert ended["status"] == "completed", ended
    return str(ended["outputs"][0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_submission_answers_a_job_that_becomes_a_film(machine: Machine, language: str) -> None:
    said = machine.run("/docs/submit", f"submit-{language}")
    [job, *_] = JOB.findall(said)
    assert "created" in said
    assert_film(film_of(machine, job))


@pytest.mark.parametrize("language", LANGUAGES)
def test_waiting_ends_with_a_film(machine: Machine, language: str) -> None:
    said = machine.run("/docs/poll", f"poll-{language}")
    [film] = re.findall(r'https?://[^\s"]+/video\.mp4\?[^\s"]+', said)
    assert_film(film)


@pytest.mark.parametrize("page", ["/docs", "/docs/upload"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_picture_of_ones_own_becomes_a_film(machine: Machine, language: str, page: str) -> None:
    said = machine.run(page, f"upload-{language}")
    films = re.findall(r"https?://\S+/video\.mp4\?\S+", said)
    assert_film(films[0] if films else film_of(machine, json.loads(said)["data"]["id"]))


def test_a_picture_is_sent_in_two_steps(machine: Machine) -> None:
    data = json.loads(machine.run("/docs/upload", "put-curl"))["data"]
    picture = httpx.get(data["download_url"])
    assert picture.content == (machine.folder / "horse.jpg").read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_is_told_in_words_with_its_request(machine: Machine, language: str) -> None:
    said = machine.run("/docs/errors", f"errors-{language}")
    assert 'field "resolution" must be one of' in said.replace("\\", "")
    assert JOB.search(said), "the id of the request"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_twice_makes_one_job(machine: Machine, language: str) -> None:
    said = machine.run("/docs/idempotency", f"idempotency-{language}")
    jobs = re.findall(r'(?:"id":"|^)([0-9a-f]{32})', said, re.MULTILINE)
    assert len(jobs) == 2
    assert len(set(jobs)) == 1
    if language != "curl":
        assert [line.split()[1] for line in said.splitlines()] == ["false", "true"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_key_tells_its_limits(machine: Machine, language: str) -> None:
    said = machine.run("/docs/limits", f"limits-{language}")
    assert "live" in said
    assert re.search(r'"key";r=\d+;t=\d+', said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_test_key_meets_a_failure_by_a_magic_word(
    machine: Machine, trying_key: str, language: str
) -> None:
    said = machine.run("/docs/test-mode", f"test-mode-{language}", GALLOP_API_KEY=trying_key)
    if language == "curl":
        ended = finished(machine, json.loads(said)["data"]["id"], trying_key)
        assert ended["status"] == "failed"
        said = ended["error"]
    assert "could not make this video" in said


def test_prices_balance_and_words_are_asked_by_curl(machine: Machine) -> None:
    price = json.loads(machine.run("/docs", "price-curl"))["data"]
    assert price["price"] == 0.945
    assert json.loads(machine.run("/docs", "balance-curl"))["data"]["balance"] > 0
    job = json.loads(machine.run("/docs", "words-curl"))["data"]
    assert job["input"]["aspect_ratio"] == "16:9"


@pytest.mark.parametrize("language", SCRIPTED)
def test_a_receiver_believes_what_is_signed_and_nothing_else(
    machine: Machine, receiver_port: int, language: str
) -> None:
    receiver = f"http://127.0.0.1:{receiver_port}/hook"
    there = {"GALLOP_WEBHOOK_URL": quote(receiver, safe="")}
    headers = {"Authorization": f"Bearer {machine.key}"}
    told = httpx.get(f"{machine.url}/api/v3/webhook/secret", headers=headers).json()
    knows = {"PORT": str(receiver_port), "GALLOP_WEBHOOK_SECRET": told["data"]["secret"]}
    with machine.running("/docs/webhook", f"webhook-{language}", **knows) as process:
        house.wait_for(lambda: _listens(receiver_port))
        forged = {
            "webhook-id": "x",
            "webhook-timestamp": "1767225600",
            "webhook-signature": "v1,x",
        }
        assert httpx.post(receiver, content=b"{}", headers=forged).status_code == 400
        said = machine.run("/docs/webhook", "webhook-curl", **there)
        secret, submitted = said.replace("}{", "}\n{").splitlines()
        assert json.loads(secret) == told
        job = json.loads(submitted)["data"]["id"]
        assert job
        assert _line_of(process).split()[1] == "completed"


def _listens(port: int) -> bool | None:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0 or None


def _line_of(process: "subprocess.Popen[str]") -> str:
    """Return the first line that a receiver prints."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the receiver ended"
    return line


def test_every_sample_that_a_page_shows_is_run_here(machine: Machine) -> None:
    pages = {"/docs", *(f"/docs/{one.slug}" for one in GUIDES)}
    assert set(RUN) == pages
    shown = {}
    for page in pages:
        samples = on_page(httpx.get(machine.url + page).raise_for_status().text)
        shown[page] = {name.rpartition("-")[0] for name in samples}
    assert shown == RUN
    assert {path.stem for path in FOLDER.iterdir()} == set().union(*RUN.values())


def test_a_sample_reaches_the_page_as_it_stands_in_its_file(machine: Machine) -> None:
    sample = machine.read("/docs/submit", "submit-python")
    assert sample.text == (FOLDER / "submit.py").read_text().strip()
