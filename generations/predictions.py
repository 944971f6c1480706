"""A job as programs read it: the `prediction` of WaveSpeed's protocol."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from generations import delivery
from generations.models import Generation

Status = Generation.Status

# Our statuses behind each of WaveSpeed's; a job of ours ends in no other way than these.
STATUSES: dict[str, tuple[Status, ...]] = {
    "created": (Status.CREATED, Status.SUBMITTING, Status.IN_DOUBT),
    # What WaveSpeed's own command line calls it.
    "pending": (Status.CREATED, Status.SUBMITTING, Status.IN_DOUBT),
    "processing": (Status.PROCESSING,),
    "completed": (Status.COMPLETED,),
    "failed": (Status.FAILED,),
    "cancelled": (),
    "timeout": (),
    "deleted": (),
}


def prediction(generation: Generation, *, with_input: bool = True) -> dict[str, Any]:
    """Return the job as WaveSpeed's clients expect to read it."""
    done = generation.status == Status.COMPLETED
    path = reverse("api_result", kwargs={"prediction_id": generation.id.hex})
    return {
        "id": generation.id.hex,
        "model": generation.model,
        **({"input": generation.inputs} if with_input else {}),
        "outputs": [delivery.video_address(generation)] if done else [],
        "urls": {"get": settings.PUBLIC_URL + path},
        "has_nsfw_contents": [],
        "status": public_status(generation),
        "code": generation.error_code,
        "error": generation.error,
        "created_at": timestamp(generation.created_at),
        "executionTime": _running_ms(generation),
        "timings": {"inference": _running_ms(generation)},
    }


def timestamp(moment: datetime) -> str:
    """Return a moment in UTC with milliseconds, as the protocol writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def public_status(generation: Generation) -> str:
    """Translate our statuses into the four that WaveSpeed's clients know."""
    return "created" if generation.status in STATUSES["created"] else generation.status


def _running_ms(generation: Generation) -> int:
    if generation.finished_at is None or generation.submitted_at is None:
        return 0
    return int((generation.finished_at - generation.submitted_at).total_seconds() * 1000)
