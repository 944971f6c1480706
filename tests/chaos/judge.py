"""What must be true at the end, asked of the database, the disk and the sandbox themselves.

Nothing of Gallop's own code is used, except that `manage.py audit` must agree.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import class_row

LISTED_MAX = 5
JOBS = """
    SELECT job.id, job.status, job.upstream_id, job.price_micros, job.shortfall_micros,
           job.video, job.preview, job.sha256, job.size, job.error, job.operator_note,
           job.inputs->>'prompt' AS prompt, hold.state AS hold,
           extract(epoch FROM coalesce(job.finished_at, now()) - job.created_at)::int AS seconds
    FROM generations_generation AS job
    LEFT JOIN billing_hold AS hold
           ON hold.reference = 'generation:' || replace(job.id::text, '-', '')
"""
# These spoil the submission at most: the film is there in the end.
HARMLESS = re.compile(r"\[(slow|short|429|500|lost|broke)\]")
SPOILED = re.compile(r"\[.*\]")


@dataclass(frozen=True)
class Job:
    """One row of generations_generation with the state of its hold."""

    id: Any
    status: str
    upstream_id: str | None
    price_micros: int
    shortfall_micros: int
    video: str
    preview: str
    sha256: str
    size: int | None
    error: str
    operator_note: str
    prompt: str
    hold: str | None
    seconds: int

    @property
    def deserves_a_film(self) -> bool:
        """Whether nothing in its prompt keeps the upstream from making one."""
        return HARMLESS.search(self.prompt) is not None or SPOILED.search(self.prompt) is None


@dataclass
class Verdict:
    """Sentences about what is wrong, and figures for the report."""

    violations: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    # Jobs that failed although the upstream would have made, or had made, a film: why, how many.
    unlucky: Counter[str] = field(default_factory=Counter)
    paid_in_vain: int = 0
    stray_films: int = 0
    slowest: list[str] = field(default_factory=list)

    def add(self, what: str, found: list[str]) -> None:
        """Note a violation, if any example of it was found."""
        if found:
            self.violations.append(f"{what}: {len(found)}, {', '.join(found[:LISTED_MAX])}")


@dataclass(frozen=True)
class Evidence:
    """Everything that is looked at. Micro-dollars throughout."""

    jobs: list[Job]
    accepted: list[dict[str, Any]]
    media: Path
    promised: set[str]
    given_micros: int
    balances_micros: int
    held_micros: int
    audit: Mapping[str, Any]


def gather(
    database: str, sandbox: str, media: Path, promised: set[str], given_micros: int, audit: str
) -> Evidence:
    """Read what there is; `audit` is the line that manage.py audit printed."""
    with psycopg.connect(database) as connection:
        jobs = connection.cursor(row_factory=class_row(Job)).execute(JOBS).fetchall()
        sums = connection.execute(
            "SELECT sum(balance_micros)::bigint, sum(held_micros)::bigint"
            " FROM billing_ledgeraccount"
        ).fetchone()
    assert sums is not None, "sums always give a row"
    balances_micros, held_micros = sums
    listed = httpx.get(f"{sandbox}/_sandbox/predictions", timeout=60).raise_for_status()
    predictions: list[dict[str, Any]] = listed.json()["predictions"]
    return Evidence(
        jobs=jobs,
        accepted=predictions,
        media=media,
        promised=promised,
        given_micros=given_micros,
        balances_micros=balances_micros,
        held_micros=held_micros,
        audit=json.loads(audit or "{}"),
    )


def judge(evidence: Evidence) -> Verdict:
    """Return what is wrong, and how the jobs ended."""
    verdict = Verdict()
    verdict.ends.update(f"{job.status}: {job.error}" for job in evidence.jobs)
    slowest = sorted(evidence.jobs, key=lambda job: -job.seconds)[:LISTED_MAX]
    verdict.slowest = [
        f"{job.seconds} s {job.status} {job.prompt} | {_kind_of(job.operator_note)}"
        for job in slowest
    ]
    _judge_ends(evidence, verdict)
    _judge_acceptances(evidence, verdict)
    _judge_films(evidence, verdict)
    _judge_money(evidence, verdict)
    return verdict


def _judge_ends(evidence: Evidence, verdict: Verdict) -> None:
    there = {job.id.hex for job in evidence.jobs}
    verdict.add("answered 200 and lost", sorted(evidence.promised - there))
    expected = {"completed": "captured", "failed": "released"}
    unfinished = [f"{job.id.hex} {job.status}" for job in evidence.jobs if _is_open(job)]
    verdict.add("unfinished", unfinished)
    unsettled = [
        f"{job.id.hex} {job.status} with a hold {job.hold}"
        for job in evidence.jobs
        if job.hold != expected.get(job.status, "held")
    ]
    verdict.add("money not where the status says", unsettled)


def _judge_acceptances(evidence: Evidence, verdict: Verdict) -> None:
    by_job: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    by_picture: Counter[str] = Counter()
    for prediction in evidence.accepted:
        by_job[_job_of(prediction)].append(prediction)
        by_picture[prediction["input"]["image"]] += 1
    verdict.add("accepted twice", [job for job, found in by_job.items() if len(found) > 1])
    verdict.add(
        "picture used twice", [picture for picture, count in by_picture.items() if count > 1]
    )
    verdict.add("accepted for no job", sorted(set(by_job) - {job.id.hex for job in evidence.jobs}))
    for job in evidence.jobs:
        made = [one for one in by_job[job.id.hex] if one["status"] == "completed"]
        if job.status == "failed" and job.deserves_a_film:
            verdict.unlucky[f"{job.error} | {_kind_of(job.operator_note)}"] += 1
            verdict.paid_in_vain += bool(made)
        if job.status == "completed" and job.upstream_id not in {one["id"] for one in made}:
            verdict.add("completed with another's film", [job.id.hex])


def _judge_films(evidence: Evidence, verdict: Verdict) -> None:
    wrong = [
        f"{job.id.hex} {fault}"
        for job in evidence.jobs
        if job.status == "completed" and (fault := _fault_of_film(evidence.media, job))
    ]
    verdict.add("captured without its film", wrong)
    kept = {name for job in evidence.jobs for name in (job.video, job.preview)}
    found = (str(path.relative_to(evidence.media)) for path in evidence.media.rglob("films/**/*"))
    verdict.stray_films = sum(name.endswith(".mp4") and name not in kept for name in found)


def _fault_of_film(media: Path, job: Job) -> str:
    path = media / job.video
    if not job.video or not path.is_file():
        return "has no file"
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != job.sha256 or len(content) != job.size:
        return "has other bytes than its row says"
    # The sandbox writes into each copy of a film whose it is.
    if not content.endswith(str(job.upstream_id).encode()):
        return "has somebody else's film"
    return ""


def _judge_money(evidence: Evidence, verdict: Verdict) -> None:
    spent = sum(
        job.price_micros - job.shortfall_micros
        for job in evidence.jobs
        if job.status == "completed"
    )
    kept = evidence.balances_micros + spent
    if kept != evidence.given_micros:
        verdict.violations.append(
            f"money: {evidence.given_micros} µ$ given, {evidence.balances_micros} left and "
            f"{spent} spent on films make {kept}"
        )
    if evidence.held_micros and not any(_is_open(job) for job in evidence.jobs):
        verdict.violations.append(f"money: {evidence.held_micros} µ$ are held for nothing")
    if not evidence.audit.get("ok"):
        verdict.violations.append(f"audit: {str(evidence.audit)[:500]}")


def _is_open(job: Job) -> bool:
    return job.status not in {"completed", "failed"}


def _job_of(prediction: Mapping[str, Any]) -> str:
    """Return the id of the job, hex, out of the address of the webhook it asked for."""
    found = re.search(r"/hooks/wavespeed/([0-9a-f-]{36})", prediction["webhook"])
    return found.group(1).replace("-", "") if found else f"no webhook: {prediction['id']}"


def _kind_of(note: str) -> str:
    """Return a note without what differs from job to job, so that notes can be counted."""
    return re.sub(r"[0-9a-f]{16,}", "…", note)[:120]


def describe(verdict: Verdict) -> Iterator[str]:
    """Yield the lines of a report."""
    yield "jobs by end:"
    yield from (f"  {count:5} {end}" for end, count in verdict.ends.most_common())
    yield "slowest jobs:"
    yield from (f"  {line}" for line in verdict.slowest)
    yield f"failed although a film was possible: {verdict.unlucky.total()}"
    yield from (f"  {count:5} {why}" for why, count in verdict.unlucky.most_common())
    yield f"paid upstream, made there, and never delivered: {verdict.paid_in_vain}"
    yield f"films in our storage that no job refers to: {verdict.stray_films}"
    yield from (f"VIOLATION {sentence}" for sentence in verdict.violations)
