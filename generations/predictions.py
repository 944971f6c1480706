"""A job as programs read it: the `prediction` of WaveSpeed's protocol."""

import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.db.models import Func, JSONField
from django.db.models.expressions import RawSQL
from django.urls import reverse

from accounts.keys import NO_QUESTION, Question
from accounts.models import Account
from config import statements
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


# What a prediction is made of: a job is asked for more often than anything else.
_PARTS = ("id", "model", "inputs", "status", "error_code", "error")
_MOMENTS = ("created_at", "submitted_at", "finished_at")
_ANY = "any"


@lru_cache(maxsize=1)
def _job() -> str:
    """Return SQL for the parts of the job %(job)s that the account of the row `key` may see."""
    account = cast("Account", RawSQL("key.account_id", ()))
    visible = Generation.objects.visible_to(account).filter(pk=RawSQL("%(job)s", ()))
    parts = Func(*_PARTS, *_MOMENTS, function="json_build_array", output_field=JSONField())
    sql, values = visible.values_list(parts).query.sql_with_params()
    assert not values, "what is visible depends on the account alone"
    return sql


def question(prediction_id: str) -> Question:
    """Return the question for the job of this id, of the account of the key beside which it is."""
    try:
        return Question(_job(), {"job": uuid.UUID(prediction_id)})
    except ValueError:
        return NO_QUESTION


def found(answer: list[Any]) -> Generation:
    """Return the job that the question found, with what a prediction is made of."""
    parts, moments = answer[: len(_PARTS)], answer[len(_PARTS) :]
    parts[0] = uuid.UUID(parts[0])
    moments = [moment and datetime.fromisoformat(moment) for moment in moments]
    return statements.loaded(Generation, [*_PARTS, *_MOMENTS], [*parts, *moments])


def prediction(generation: Generation, *, with_input: bool = True) -> dict[str, Any]:
    """Return the job as WaveSpeed's clients expect to read it."""
    done = generation.status == Status.COMPLETED
    name = generation.id.hex
    return {
        "id": name,
        "model": generation.model,
        **({"input": generation.inputs} if with_input else {}),
        "outputs": [delivery.video_address(generation)] if done else [],
        "urls": {"get": settings.PUBLIC_URL + _path().replace(_ANY, name)},
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
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def public_status(generation: Generation) -> str:
    """Translate our statuses into the four that WaveSpeed's clients know."""
    return "created" if generation.status in STATUSES["created"] else generation.status


@lru_cache(maxsize=1)
def _path() -> str:
    """Return where any job is read: it is written into every answer."""
    return reverse("api_result", kwargs={"prediction_id": _ANY})


def _running_ms(generation: Generation) -> int:
    if generation.finished_at is None or generation.submitted_at is None:
        return 0
    return int((generation.finished_at - generation.submitted_at).total_seconds() * 1000)
