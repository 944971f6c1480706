"""The proof of the scale test sees what only this run can show; the rest is test_judge's."""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.examples import paid_job
from tests.chaos.judge import Evidence, Job
from tests.scale import proof
from tests.scale.programs import Promise

UPSTREAM_ID = "c" * 32
FILM = b"a film of " + UPSTREAM_ID.encode()
OBJECTS = ["film.mp4", "preview.mp4", "poster.jpg"]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A completed job whose film was read back."""
    (tmp_path / "film.mp4").write_bytes(FILM)
    return replace(paid_job(UPSTREAM_ID, FILM, 420_000), preview="preview.mp4")


@pytest.fixture
def evidence(job: Job, tmp_path: Path) -> Evidence:
    """A run of one job in which nothing went wrong."""
    accepted = {
        "id": UPSTREAM_ID,
        "status": "completed",
        "webhook": f"http://127.0.0.1:1/hooks/wavespeed/{job.id}",
        "input": {"image": "p1"},
    }
    return Evidence([job], [accepted], tmp_path, {job.id.hex}, 1_000_000, 580_000, 0, {"ok": True})


def promised(job: Job, number: int = 1) -> Promise:
    """Return what a program was promised of it."""
    return Promise(number, job.id.hex, 0.0, 1.0, 1, repeated=False)


def test_a_clean_run_has_no_faults(evidence: Evidence, job: Job) -> None:
    assert proof.faults(evidence, [promised(job)], 1, OBJECTS) == []


def test_a_film_that_was_paid_and_is_not_in_the_bucket_is_seen(
    evidence: Evidence, job: Job
) -> None:
    [fault] = proof.faults(evidence, [promised(job)], 1, ["preview.mp4"])
    assert "was paid and its film 'film.mp4' is not in the bucket" in fault


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "failed", "hold": "released"}, "is failed, not completed"),
        ({"prompt": "Horse 1 [fail]"}, "is completed, not failed"),
    ],
)
def test_a_job_that_ends_otherwise_than_its_words_say_is_seen(
    evidence: Evidence, job: Job, change: dict[str, Any], words: str
) -> None:
    other = replace(evidence, jobs=[replace(job, **change)])
    assert any(words in fault for fault in proof.faults(other, [promised(job)], 1, OBJECTS))


def test_two_orders_that_became_one_job_are_seen(evidence: Evidence, job: Job) -> None:
    found = proof.faults(evidence, [promised(job), promised(job, 2)], 2, OBJECTS)
    assert "2 jobs asked for, 2 promised under 1 ids, 1 rows" in found


def test_one_order_that_became_two_jobs_is_seen(evidence: Evidence, job: Job) -> None:
    twin = replace(job, id=uuid.uuid4())
    found = proof.faults(replace(evidence, jobs=[job, twin]), [promised(job)], 1, OBJECTS)
    assert "1 jobs asked for, 1 promised under 1 ids, 2 rows" in found


def test_a_job_that_the_upstream_never_took_is_seen(evidence: Evidence, job: Job) -> None:
    found = proof.faults(replace(evidence, accepted=[]), [promised(job)], 1, OBJECTS)
    assert "1 jobs asked for and 0 accepted upstream" in found


def test_films_that_no_job_refers_to_are_named(job: Job) -> None:
    assert proof.strays([job], [*OBJECTS, "lost.mp4"]) == ["lost.mp4"]
