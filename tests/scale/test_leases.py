"""What a dead worker left is told from what living ones hand on."""

from datetime import UTC, datetime
from typing import Any

from tests.scale.leases import Estate, both_busy

DIED_AT = 1_000.0
ENDS_AT = 1_060.0


def row(job: str, holder: str | None = "a", until: float | None = ENDS_AT) -> Any:
    """Return a row as the database gives it."""
    moment = None if until is None else datetime.fromtimestamp(until, UTC)
    return (job, "processing", holder, moment)


def test_a_job_that_changes_after_its_lease_has_ended_was_the_dead_ones() -> None:
    estate = Estate.at_death([row("left"), row("other")], DIED_AT)

    estate.look([row("left"), row("other", until=1_080.0)], now=1_020.0)
    assert (estate.taken_over, list(estate.waiting)) == ({}, ["left"])

    estate.look([row("left")], now=1_060.5)
    assert estate.taken_over == {}
    estate.look([row("left", "b", until=1_121.0)], now=1_061.0)
    assert estate.taken_over == {"left": 61.0}
    assert (estate.waiting, estate.statuses) == ({}, {"processing": 1})


def test_a_job_that_is_let_go_in_time_was_a_living_ones() -> None:
    estate = Estate.at_death([row("done")], DIED_AT)

    estate.look([row("done", None, None)], now=1_001.0)

    assert (estate.taken_over, estate.waiting) == ({}, {})


def test_both_are_busy_when_each_has_several_jobs_in_hand() -> None:
    assert not both_busy([row("1"), row("2"), row("3")])
    assert not both_busy([row("1"), row("2"), row("3", "b")])
    assert both_busy([row("1"), row("2"), row("3", "b"), row("4", "b")])
