"""WaveSpeed's command line works against us with nothing changed but its base URL."""

import json
import subprocess
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import node
from tests.clients.program import (
    MODEL,
    PRICE_SHORT,
    RUN_SECONDS_MAX,
    Customer,
    assert_film,
    environment,
    unsigned,
)
from tests.pictures import draw

SCRIPT = "node_modules/@wavespeed/cli/dist/cli.js"
THREE_SECONDS = ("-i", "duration=3", "resolution=720p")

pytestmark = pytest.mark.xdist_group("clients")


@dataclass(frozen=True)
class Shell:
    """A shell in somebody's home folder."""

    home: Path

    def run(self, *command: str) -> tuple[int, str]:
        """Run `wavespeed …` and return its exit status and what it printed."""
        done = subprocess.run(
            [*node.script(SCRIPT), *command],
            cwd=self.home,
            env=environment(self.home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=RUN_SECONDS_MAX,
        )
        return done.returncode, done.stdout or done.stderr

    def read(self, *command: str) -> Any:
        """Run a command that must work and return its JSON."""
        status, printed = self.run(*command, "--json")
        assert status == 0, printed
        return json.loads(printed)

    def refused(self, *command: str) -> str:
        """Run a command that must not work and return the reason in its JSON."""
        status, printed = self.run(*command, "--json")
        assert status == 1, printed
        return str(json.loads(printed)["error"])


def signed_in(customer: Customer, home: Path) -> Shell:
    """Point the command line at us and sign in with the key."""
    shell = Shell(home)
    assert shell.run("config", "--base-url", customer.url)[0] == 0
    assert shell.run("login", "--api-key", customer.key, "--no-browser")[0] == 0
    return shell


@pytest.fixture(scope="module")
def shell(dora: Customer, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """The shell of a customer with credit, who signs in once."""
    return signed_in(dora, tmp_path_factory.mktemp("home"))


def test_status_names_our_address(shell: Shell, dora: Customer) -> None:
    status, printed = shell.run("status")

    assert (status, dora.url in printed) == (0, True)


def test_it_tells_what_is_on_sale_and_for_how_much(shell: Shell) -> None:
    models = shell.read("models")
    schema = shell.read("schema", MODEL)
    price = shell.read("price", MODEL, "-i", "duration=3", "resolution=1080p")

    first = models[0]
    assert (first["model_id"], first["type"], first["base_price"]) == (MODEL, "image-to-video", 0.7)
    assert schema["required"] == ["image"]
    assert price == {"model_id": MODEL, "unit_price": 0.567, "currency": "USD"}


def test_it_shows_the_flags_of_a_model(shell: Shell) -> None:
    status, printed = shell.run("run", MODEL, "--help")

    assert (status, "5 fields, 1 required" in printed) == (0, True)
    assert "range: 3..15" in printed


def test_a_picture_becomes_a_film_on_disk(
    shell: Shell, dora: Customer, picture: Path, tmp_path: Path
) -> None:
    before = dora.balance
    image = shell.read("upload", str(picture))["url"]
    film = tmp_path / "film.mp4"

    done = shell.read(
        *("run", MODEL, "-i", f"image={image}", "duration=3", "-p", "A slow pan"),
        *("--download", str(film)),
    )

    assert httpx.get(image).content == picture.read_bytes()
    assert_film(done["outputs"][0])
    assert done["saved"] == [str(film)]
    assert film.read_bytes()[4:8] == b"ftyp"
    assert before - Decimal(str(shell.read("balance")["balance"])) == PRICE_SHORT


def test_sync_mode_answers_with_the_film(shell: Shell, image: str) -> None:
    done = shell.read("run", MODEL, "-i", f"image={image}", *THREE_SECONDS, "--sync")

    assert_film(done["outputs"][0])


def test_sync_mode_that_takes_too_long_starts_no_second_job(shell: Shell, image: str) -> None:
    reason = shell.refused(
        *("run", MODEL, "-i", f"image={image}", *THREE_SECONDS, "-p", "[stuck]", "--sync")
    )

    [job] = [job for job in shell.read("history")["items"] if job["input"]["prompt"] == "[stuck]"]
    assert job["id"] in reason
    assert "The prediction is still processing asynchronously." in reason
    assert shell.read("show", job["id"])["status"] == "processing"


def test_a_finished_job_is_listed_shown_and_deleted(shell: Shell, image: str) -> None:
    made = shell.read("run", MODEL, "-i", f"image={image}", *THREE_SECONDS, "-p", "Deleted soon")
    [output] = made["outputs"]

    [job] = [
        job
        for job in shell.read("history")["items"]
        if [unsigned(address) for address in job["outputs"]] == [unsigned(output)]
    ]
    shown = shell.read("show", job["id"])
    assert shell.read("delete", job["id"]) == {"deleted": [job["id"]]}

    assert job["input"]["prompt"] == shown["input"]["prompt"] == "Deleted soon"
    assert (shown["status"], unsigned(shown["outputs"][0])) == ("completed", unsigned(output))
    assert job["id"] not in [left["id"] for left in shell.read("history")["items"]]
    assert "404" in shell.refused("show", job["id"])
    assert httpx.get(output).status_code == 404


def test_it_says_why_a_job_failed_and_lists_it(shell: Shell, dora: Customer, image: str) -> None:
    before = dora.balance

    reason = shell.refused("run", MODEL, "-i", f"image={image}", *THREE_SECONDS, "-p", "[fail]")

    assert reason.startswith("Prediction failed (task_id: ")
    assert "The model could not make this video." in reason
    assert dora.balance == before
    [latest, *_] = shell.read("history", "--status", "failed", "--limit", "1")["items"]
    assert latest["id"] in reason
    assert latest["error"] in reason
    status, page = shell.run("history", "--status", "failed", "--model", MODEL)
    assert (status, latest["error"] in page) == (0, True)


@pytest.mark.parametrize("status", ["completed", "failed", "processing", "pending"])
def test_the_history_takes_every_status_that_it_names(status: str, shell: Shell) -> None:
    listed = shell.read("history", "--status", status, "--since", "2026-01-01")

    assert listed["page"] == 1
    assert {job["status"] for job in listed["items"]} <= {status}


@pytest.mark.parametrize(
    ("model", "duration", "says"),
    [
        (MODEL, "99", "must be an integer from 3 to 15"),
        ("no/such-model", "3", "not found"),
    ],
)
def test_a_refusal_reaches_the_person(
    model: str, duration: str, says: str, shell: Shell, image: str
) -> None:
    reason = shell.refused("run", model, "-i", f"image={image}", f"duration={duration}")

    assert says in reason


def test_a_picture_that_cannot_be_used_is_refused_with_the_reason(
    shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "small.jpg"
    path.write_bytes(draw(299, 400))

    status, printed = shell.run("upload", str(path), "--json")

    assert status == 1
    assert "299 px wide" in json.loads(printed)["errors"][0]["error"]


def test_an_account_without_credit_is_told_what_is_missing(
    emil: Customer, home: Path, image: str
) -> None:
    shell = signed_in(emil, home)

    reason = shell.refused("run", MODEL, "-i", f"image={image}", *THREE_SECONDS)

    assert f"{emil.url}/billing. You were not charged" in reason
    assert shell.read("balance")["balance"] == 0


def test_a_wrong_key_cannot_sign_in(stranger: Customer, home: Path) -> None:
    shell = Shell(home)
    shell.run("config", "--base-url", stranger.url)

    status, printed = shell.run("login", "--api-key", stranger.key, "--no-browser")

    assert (status, "Signed in" in printed) == (1, False)
    assert "No API key configured" in shell.refused("balance")
