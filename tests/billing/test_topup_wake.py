"""Who starts a top-up: a job that brings the credit below the threshold, or the schedule."""

from datetime import UTC, datetime

import pytest
from django_q.models import OrmQ, Schedule
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from billing import topup
from billing.models import AutoTopUp
from generations import catalog, lifecycle
from tests.billing import topups
from tests.billing.stripe_desk import Desk
from tests.cast import Customer

TASK = "billing.tasks.top_up_one"


def queued() -> list[tuple[str, ...]]:
    """The arguments of the top-ups that wait for a worker."""
    waiting = [task.task for task in OrmQ.objects.order_by("id")]
    return [task["args"] for task in waiting if task["func"] == TASK]


def test_a_job_that_brings_the_credit_below_the_threshold_wakes_a_worker(
    bob: Customer, desk: Desk
) -> None:
    topups.low(desk, bob, threshold="10")
    assert queued() == []
    model = catalog.model("alibaba/happyhorse-1.1/image-to-video")
    inputs = model.clean({"image": "http://127.0.0.1:9/disc.jpg"})
    lifecycle.request(bob.account, model, inputs)
    assert queued() == [(str(bob.account.pk),)]


@pytest.mark.parametrize(
    "change",
    [
        {"state": AutoTopUp.State.OFF},
        {"threshold_micros": 0},
        {"next_try_at": datetime(2100, 1, 1, tzinfo=UTC)},
    ],
)
def test_nobody_is_woken_for_a_rule_that_does_not_ask(
    bob: Customer, desk: Desk, change: dict[str, object]
) -> None:
    topups.low(desk, bob)
    AutoTopUp.objects.update(**change)
    topup.wake(bob.account)
    assert queued() == []


def test_nobody_is_woken_while_a_payment_is_under_way(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    topups.killed(desk, bob)
    topup.wake(bob.account)
    assert queued() == []


def test_a_worker_behind_redis_is_woken_after_the_commit_only(
    bob: Customer,
    desk: Desk,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9"
    topups.low(desk, bob)
    with django_capture_on_commit_callbacks(execute=True):
        topup.wake(bob.account)
        assert queued() == []
    assert queued() == [(str(bob.account.pk),)]


@pytest.mark.django_db
def test_the_schedule_looks_every_minute() -> None:
    schedule = Schedule.objects.get(func="billing.tasks.top_up")
    assert (schedule.schedule_type, schedule.minutes) == (Schedule.MINUTES, 1)
