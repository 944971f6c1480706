"""WaveSpeed's JavaScript client works against us with nothing changed but its base URL."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from generations import failures
from generations.failures import Failure
from tests.clients.program import (
    MODEL,
    PRICE_SHORT,
    SHORT,
    Customer,
    Failed,
    assert_film,
    call,
    unsigned,
)
from tests.pictures import draw

QUICK = {"pollInterval": 0.1}
SYNC = {"enableSyncMode": True}
# The client guesses from these words in an error that its way to us is broken, and may try again.
MISREAD = re.compile("fetch|timeout|timed out|connection|http 5|429", re.IGNORECASE)

pytestmark = pytest.mark.xdist_group("clients")


def test_run_returns_the_address_of_the_film(dora: Customer, home: Path, picture: Path) -> None:
    before = dora.balance
    address = call(dora, home, "upload", str(picture))

    result = call(dora, home, "run", MODEL, {"image": address, "prompt": "", **SHORT}, QUICK)

    assert httpx.get(address).content == picture.read_bytes()
    [output] = result["outputs"]
    assert_film(output)
    assert before - dora.balance == PRICE_SHORT


@pytest.mark.parametrize("options", [QUICK, SYNC])
def test_run_no_throw_tells_of_success_and_names_the_job(
    options: dict[str, Any], dora: Customer, home: Path, image: str
) -> None:
    told = call(dora, home, "runNoThrow", MODEL, {"image": image, **SHORT}, options)

    assert (told["detail"]["status"], told["detail"].get("error")) == ("completed", None)
    [output], [stands] = told["outputs"], dora.result(told["detail"]["taskId"])["outputs"]
    assert unsigned(output) == unsigned(stands)
    assert_film(output)


@pytest.mark.parametrize("options", [QUICK, SYNC])
@pytest.mark.parametrize(
    ("picture", "prompt", "says"),
    [
        ("horse", "[fail]", "could not make this video"),
        ("horse", "[moderated]", "safety check refused this picture or prompt"),
        ("no-such", "", "could not be downloaded. The address answered 404"),
    ],
)
def test_run_no_throw_tells_why_a_job_failed_and_that_is_free(
    picture: str,
    prompt: str,
    says: str,
    options: dict[str, Any],
    dora: Customer,
    home: Path,
    image: str,
) -> None:
    before = dora.balance
    asked = {"image": image.replace("horse", picture), "prompt": prompt, **SHORT}

    told = call(dora, home, "runNoThrow", MODEL, asked, options)

    assert (told["outputs"], told["detail"]["status"]) == (None, "failed")
    error = told["detail"]["error"]
    # Its sort is guessed from our words: no other sort may be suspected in them.
    assert (error["name"], says in error["message"]) == ("WavespeedPredictionException", True)
    assert dora.result(told["detail"]["taskId"])["status"] == "failed"
    assert dora.balance == before


def test_no_reason_for_a_failure_is_taken_for_one_of_the_network() -> None:
    reasons = [one.sentence for one in vars(failures).values() if isinstance(one, Failure)]

    assert len(reasons) > 10
    assert [reason for reason in reasons if MISREAD.search(reason)] == []


@pytest.mark.parametrize("options", [QUICK, SYNC])
def test_run_throws_with_the_reason(
    options: dict[str, Any], dora: Customer, home: Path, image: str
) -> None:
    asked = {"image": image, "prompt": "[fail]", **SHORT}

    failed = call(dora, home, "run", MODEL, asked, options)

    assert isinstance(failed, Failed)
    assert failed.message.startswith("Prediction failed (task_id: ")
    assert failed.message.endswith(
        "The model could not make this video. Try again, or ask for it differently."
    )


@pytest.mark.parametrize(
    ("model", "changes", "says"),
    [
        (MODEL, {"duration": 99}, ("HTTP 400", "must be an integer from 3 to 15")),
        (MODEL, {"image": ""}, ("HTTP 400", "is required")),
        (MODEL, {"size": 3}, ("HTTP 400", "please use only")),
        ("no/such-model", {}, ("HTTP 404", "not found")),
    ],
)
def test_a_refusal_reaches_the_program_and_costs_nothing(
    model: str,
    changes: dict[str, object],
    says: tuple[str, str],
    dora: Customer,
    home: Path,
    image: str,
) -> None:
    before = dora.balance

    failed = call(dora, home, "run", model, {"image": image, **SHORT, **changes}, QUICK)

    assert isinstance(failed, Failed)
    assert failed.name == "WavespeedSubmissionException"
    assert all(words in failed.message for words in says), failed.message
    assert dora.balance == before


def test_an_account_without_credit_is_told_what_is_missing(
    emil: Customer, home: Path, image: str
) -> None:
    failed = call(emil, home, "run", MODEL, {"image": image, **SHORT}, QUICK)

    assert isinstance(failed, Failed)
    assert "HTTP 402" in failed.message
    assert f"{emil.url}/billing" in failed.message
    assert "You were not charged" in failed.message


def test_a_wrong_key_reaches_the_program(
    stranger: Customer, home: Path, picture: Path, image: str
) -> None:
    for failed in (
        call(stranger, home, "run", MODEL, {"image": image, **SHORT}, QUICK),
        call(stranger, home, "upload", str(picture)),
    ):
        assert isinstance(failed, Failed)
        assert "HTTP 401" in failed.message
        assert "Invalid API key" in failed.message


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.gif", draw(format="GIF"), "image/gif cannot be used"),
        ("a.png", draw(), "the three must agree"),
        ("a.jpg", draw(299, 400), "299 px wide"),
    ],
)
def test_a_picture_that_cannot_be_used_is_refused_with_the_reason(
    name: str, content: bytes, says: str, dora: Customer, home: Path
) -> None:
    path = home / name
    path.write_bytes(content)

    failed = call(dora, home, "upload", str(path))

    assert isinstance(failed, Failed)
    assert "HTTP 400" in failed.message
    assert says in failed.message
