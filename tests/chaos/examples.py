"""A job that went well, as those who judge a run read it."""

import hashlib
import uuid

from tests.chaos.judge import Job


def paid_job(upstream_id: str, film: bytes, price_micros: int) -> Job:
    """Return a completed job that was captured, with this film under the name film.mp4."""
    return Job(
        id=uuid.uuid4(),
        status="completed",
        upstream_id=upstream_id,
        price_micros=price_micros,
        shortfall_micros=0,
        video="film.mp4",
        preview="",
        sha256=hashlib.sha256(film).hexdigest(),
        size=len(film),
        error="",
        operator_note="",
        prompt="Horse 1",
        hold="captured",
        seconds=9,
    )
