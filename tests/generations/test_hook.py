"""WaveSpeed's hook: a hint that is believed only when signed, and then only as a hint."""

import json
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import Settings

from generations import lifecycle, steps, wavespeed
from generations.models import Generation
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import Status, fresh

pytestmark = pytest.mark.usefixtures("sandbox")

BODY = json.dumps({"id": "abc", "status": "completed"}).encode()


def deliver(pk: object, *, age_seconds: int = 0, secret: str = "", body: bytes = BODY) -> Any:
    """Post a delivery, signed with WaveSpeed's secret unless another is given."""
    at = str(int(time.time()) - age_seconds)
    signed = wavespeed.signature(body, "msg_1", at, secret or wavespeed.webhook_secret())
    return Client(enforce_csrf_checks=True).post(
        f"/hooks/wavespeed/{pk}",
        BODY,
        content_type="application/json",
        headers={
            "webhook-id": "msg_1",
            "webhook-timestamp": at,
            "webhook-signature": signed,
        },
    )


@pytest.fixture
def waiting(alice: Customer) -> Generation:
    """A job that would be looked at in an hour."""
    job = stage.processing(alice)
    Generation.objects.update(due_at=timezone.now() + timedelta(hours=1))
    OrmQ.objects.all().delete()
    return job


def untouched(job: Generation) -> bool:
    return fresh(job).due_at > timezone.now() and not OrmQ.objects.exists()


def test_a_signed_hook_makes_the_job_due_and_wakes_the_driver(waiting: Generation) -> None:
    assert deliver(waiting.pk).status_code == 200

    assert fresh(waiting).due_at <= timezone.now()
    assert OrmQ.objects.count() == 1
    assert fresh(waiting).status == Status.PROCESSING, "the hook's own words are not believed"


def test_a_hook_with_a_bad_signature_is_refused(waiting: Generation) -> None:
    assert deliver(waiting.pk, secret="whsec_other").status_code == 400
    assert deliver(waiting.pk, body=b"{}").status_code == 400
    assert Client().post(f"/hooks/wavespeed/{waiting.pk}").status_code == 400
    assert untouched(waiting)


def test_a_hook_that_is_too_old_is_refused(waiting: Generation) -> None:
    assert deliver(waiting.pk, age_seconds=301).status_code == 400
    assert deliver(waiting.pk, age_seconds=-302).status_code == 400
    assert untouched(waiting)


def test_the_same_hook_twice_is_only_another_hint(waiting: Generation) -> None:
    assert deliver(waiting.pk).status_code == 200
    assert deliver(waiting.pk).status_code == 200

    assert fresh(waiting).due_at <= timezone.now()


def test_a_hook_for_an_unknown_or_finished_job_is_answered_and_forgotten(
    waiting: Generation, finished: Generation
) -> None:
    OrmQ.objects.all().delete()

    assert deliver(uuid4()).status_code == 200
    assert deliver(finished.pk).status_code == 200

    assert untouched(waiting)
    assert fresh(finished).status == Status.COMPLETED


def test_a_hook_is_asked_to_come_again_while_the_secret_cannot_be_read(
    waiting: Generation, settings: Settings
) -> None:
    settings.WAVESPEED_BASE_URL = "http://127.0.0.1:9"

    assert deliver(waiting.pk, secret="whsec_any").status_code == 503
    assert untouched(waiting)


def test_a_hook_is_posted(waiting: Generation) -> None:
    assert Client().get(f"/hooks/wavespeed/{waiting.pk}").status_code == 405
    assert Client().post("/hooks/wavespeed/not-an-id").status_code == 404


def test_a_late_hook_settles_a_doubt(alice: Customer) -> None:
    job = stage.job(alice)
    lifecycle.start_submit(job, "https://pictures.test/a.jpg")
    lifecycle.doubt(job, timedelta(hours=1), "504")

    assert deliver(job.pk).status_code == 200

    assert fresh(job).due_at <= timezone.now()
    assert (fresh(job).status, fresh(job).upstream_id) == (Status.PROCESSING, "abc")


def test_the_address_of_the_hook_carries_our_own_id(alice: Customer, settings: Settings) -> None:
    job = stage.job(alice)

    assert f"{steps._hooks()}{job.pk}" == f"{settings.PUBLIC_URL}/hooks/wavespeed/{job.pk}"


def test_the_real_upstream_is_given_no_address_of_this_machine(
    alice: Customer, settings: Settings
) -> None:
    settings.SANDBOX = False

    assert steps._hooks() == ""
