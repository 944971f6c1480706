"""What must be true at the end, judged as in the chaos run and by what only this run can show."""

from collections.abc import Collection, Iterable

from tests.chaos.judge import Evidence, Job, judge
from tests.scale.programs import WITHOUT_FILM, Promise


def faults(
    evidence: Evidence, promises: Iterable[Promise], asked: int, objects: Collection[str]
) -> list[str]:
    """Return sentences about what is wrong; `objects` are the names in the bucket.

    `evidence.media` holds the films as the surviving web server led to them.
    """
    verdict = judge(evidence)
    found = list(verdict.violations)
    promised = [promise.job for promise in promises]
    if not len(promised) == len(set(promised)) == len(evidence.jobs) == asked:
        found.append(
            f"{asked} jobs asked for, {len(promised)} promised under {len(set(promised))} ids, "
            f"{len(evidence.jobs)} rows"
        )
    for job in evidence.jobs:
        found += _faults_of(job, objects)
    accepted = len(evidence.accepted)
    if accepted != asked:
        found.append(f"{asked} jobs asked for and {accepted} accepted upstream")
    return found


def strays(jobs: Iterable[Job], objects: Iterable[str]) -> list[str]:
    """Return films in the bucket that no job refers to: a worker died after storing them."""
    kept = {name for job in jobs for name in (job.video, job.preview)}
    return [name for name in objects if name.endswith(".mp4") and name not in kept]


def _faults_of(job: Job, objects: Collection[str]) -> Iterable[str]:
    expected = "failed" if WITHOUT_FILM in job.prompt else "completed"
    if job.status != expected:
        yield f"job {job.id.hex} is {job.status}, not {expected}: {job.error} {job.operator_note}"
    if job.hold == "captured" and job.video not in objects:
        yield f"job {job.id.hex} was paid and its film {job.video!r} is not in the bucket"
