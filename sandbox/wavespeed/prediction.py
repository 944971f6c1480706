"""A prediction: what was asked, what became of it, and how the upstream shows it."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.wavespeed.answers import date_long, date_short

KEPT_SECONDS = 7 * 24 * 3600
STATUSES_REFUNDED = ("failed", "timeout", "cancelled")
STATUSES_ANNOUNCED = ("completed", "failed")
# "created" is shown for a tenth of the job's time, and never longer than this.
CREATED_SECONDS_MAX = 1.0


@dataclass
class Delivery:
    """One try to hand over a webhook: the answer's status, 0 and a reason when there was none."""

    at: float
    status: int
    error: str = ""


@dataclass
class Prediction:
    """One accepted job. Moments are unix seconds.

    `status` is empty until the job is over; `due_at` is None for a job that never ends;
    `announce_at` is when the next webhook try is due, None when none is.
    """

    id: str
    model: str
    input: dict[str, Any]
    webhook: str
    words: list[str]
    price_micros: int
    created_at: float
    due_at: float | None
    status: str = ""
    code: int = 0
    error: str = ""
    outputs: list[str] = field(default_factory=list)
    has_nsfw_contents: list[bool] = field(default_factory=list)
    finished_at: float = 0.0
    removed: bool = False
    announce_at: float | None = None
    deliveries: list[Delivery] = field(default_factory=list)

    def status_at(self, now: float) -> str:
        """The status shown at that moment."""
        if self.status:
            return self.status
        # Both statuses have to be seen, however short the job.
        span = CREATED_SECONDS_MAX
        if self.due_at is not None:
            span = min(span, (self.due_at - self.created_at) / 10)
        return "created" if now < self.created_at + span else "processing"

    def is_due(self, now: float) -> bool:
        """Whether a job that is not over yet may end."""
        return not self.status and self.due_at is not None and now >= self.due_at


def submitted(prediction: Prediction, server: str) -> dict[str, Any]:
    """The data of a submission's answer."""
    return _shown(prediction, server) | {
        "input": prediction.input,
        "status": "created",
        "created_at": date_short(prediction.created_at),
    }


def result(prediction: Prediction, server: str, now: float) -> dict[str, Any]:
    """The data of a result, and the body of a webhook. It has a code only when it failed."""
    shown = _shown(prediction, server) | {"status": prediction.status_at(now)}
    # Live answers of a success carry no code.
    return shown | ({"code": prediction.code} if prediction.code else {})


def sync_timed_out(
    prediction: Prediction, server: str, now: float, seconds: float
) -> dict[str, Any]:
    """The data of a sync-mode answer that could not wait any longer."""
    return result(prediction, server, now) | {
        "status": "processing",
        "code": 5004,
        "error": f"Sync mode timed out after {seconds:g} seconds. "
        "The prediction is still processing asynchronously.",
    }


def _shown(prediction: Prediction, server: str) -> dict[str, Any]:
    took = prediction.finished_at - prediction.created_at if prediction.status else 0
    milliseconds = round(took * 1000)
    return {
        "id": prediction.id,
        "model": prediction.model,
        "outputs": prediction.outputs,
        "urls": {"get": f"{server}/api/v3/predictions/{prediction.id}/result"},
        "has_nsfw_contents": prediction.has_nsfw_contents,
        "created_at": date_long(prediction.created_at),
        "error": prediction.error,
        "executionTime": milliseconds,
        "timings": {"inference": milliseconds},
    }
