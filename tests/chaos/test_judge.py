"""The judge sees each thing that must never happen."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.examples import paid_job
from tests.chaos.judge import Evidence, Job, judge

UPSTREAM_ID = "c" * 32
FILM = b"a film of " + UPSTREAM_ID.encode()
PRICE_MICROS = 420_000
GIVEN_MICROS = 1_000_000


def prediction(job: Job, name: str = UPSTREAM_ID, picture: str = "p1") -> dict[str, Any]:
    """Return what the sandbox says of an accepted job."""
    hook = f"http://127.0.0.1:1/hooks/wavespeed/{job.id}"
    return {"id": name, "status": "completed", "webhook": hook, "input": {"image": picture}}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A completed job whose film lies where it should."""
    (tmp_path / "film.mp4").write_bytes(FILM)
    return paid_job(UPSTREAM_ID, FILM, PRICE_MICROS)


@pytest.fixture
def evidence(job: Job, tmp_path: Path) -> Evidence:
    """A run in which nothing went wrong."""
    return Evidence(
        jobs=[job],
        accepted=[prediction(job)],
        media=tmp_path,
        promised={job.id.hex},
        given_micros=GIVEN_MICROS,
        balances_micros=GIVEN_MICROS - PRICE_MICROS,
        held_micros=0,
        audit={"ok": True},
    )


def test_a_clean_run_has_no_violations(evidence: Evidence) -> None:
    assert judge(evidence).violations == []


def test_a_job_that_was_promised_and_is_not_there_is_seen(evidence: Evidence) -> None:
    found = judge(replace(evidence, promised={"0" * 32, *evidence.promised})).violations
    assert found == [f"answered 200 and lost: 1, {'0' * 32}"]


def test_a_job_that_was_accepted_twice_is_seen(evidence: Evidence, job: Job) -> None:
    twice = [prediction(job), prediction(job, "d" * 32, "p2")]
    found = judge(replace(evidence, accepted=twice)).violations
    assert found == [f"accepted twice: 1, {job.id.hex}"]


def test_one_picture_in_two_accepted_jobs_is_seen(evidence: Evidence, job: Job) -> None:
    twice = [prediction(job), prediction(job, "d" * 32)]
    assert "picture used twice: 1, p1" in judge(replace(evidence, accepted=twice)).violations


@pytest.mark.parametrize(
    ("change", "violation"),
    [
        ({"video": "gone.mp4"}, "has no file"),
        ({"sha256": "0" * 64}, "has other bytes than its row says"),
        ({"size": 1}, "has other bytes than its row says"),
        ({"upstream_id": "e" * 32}, "has somebody else's film"),
        ({"status": "processing"}, "unfinished"),
        ({"hold": "held"}, "completed with a hold held"),
        ({"hold": None}, "completed with a hold None"),
        ({"status": "failed"}, "failed with a hold captured"),
        ({"price_micros": 1}, "money"),
        ({"shortfall_micros": 1}, "money"),
    ],
)
def test_a_row_that_does_not_fit_the_rest_is_seen(
    evidence: Evidence, job: Job, change: dict[str, Any], violation: str
) -> None:
    found = judge(replace(evidence, jobs=[replace(job, **change)])).violations
    assert any(violation in sentence for sentence in found), found


def test_money_that_is_held_after_the_end_is_seen(evidence: Evidence) -> None:
    found = judge(replace(evidence, held_micros=5)).violations
    assert found == ["money: 5 µ$ are held for nothing"]


def test_an_audit_that_complains_or_says_nothing_is_seen(evidence: Evidence) -> None:
    assert judge(replace(evidence, audit={"ok": False})).violations
    assert judge(replace(evidence, audit={})).violations


def test_a_film_that_was_made_for_a_failed_job_is_counted(evidence: Evidence, job: Job) -> None:
    failed = replace(job, status="failed", hold="released", error="Too late.")
    verdict = judge(replace(evidence, jobs=[failed], balances_micros=GIVEN_MICROS))
    assert verdict.violations == []
    assert verdict.paid_in_vain == verdict.unlucky.total() == 1
