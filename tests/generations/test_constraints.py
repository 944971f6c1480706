"""Rules of the tables, broken on purpose: the database names the one that held."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from generations.models import Generation
from tests.cast import Customer
from tests.generations import stage

NOW = timezone.now()


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"price_micros": 0}, "generation_price_positive"),
        ({"price_micros": -1}, "generation_price_positive"),
        ({"status": "running"}, "generation_status_known"),
        ({"status": ""}, "generation_status_known"),
        ({"status": "completed", "finished_at": NOW}, "generation_completed_has_video"),
        ({"status": "completed", "video": "a.mp4"}, "generation_completed_has_video"),
        ({"status": "failed", "finished_at": NOW}, "generation_failed_has_reason"),
        ({"status": "failed", "error": "Because."}, "generation_failed_has_reason"),
        ({"status": "processing"}, "generation_processing_is_known_upstream"),
        ({"attempts": -1}, "generations_generation_attempts_check"),
        ({"error_code": -1}, "generations_generation_error_code_check"),
    ],
)
def test_the_database_refuses_a_job_that_cannot_be(
    changes: dict[str, Any], constraint: str, alice: Customer
) -> None:
    job = stage.job(alice)

    with pytest.raises(IntegrityError, match=f'"{constraint}"'), transaction.atomic():
        Generation.objects.filter(pk=job.pk).update(**changes)

    assert stage.fresh(job).status == "created"


def test_two_jobs_cannot_be_the_same_one_upstream(alice: Customer) -> None:
    stage.processing(alice, "upstream-1")
    second = stage.processing(alice, "upstream-2")

    with (
        pytest.raises(IntegrityError, match=r'"generations_generation_upstream_id_\w+"'),
        transaction.atomic(),
    ):
        Generation.objects.filter(pk=second.pk).update(upstream_id="upstream-1")


def test_jobs_that_are_not_known_upstream_do_not_collide(alice: Customer) -> None:
    stage.job(alice)
    stage.job(alice)

    assert Generation.objects.filter(upstream_id=None).count() == 2


def test_a_job_keeps_its_account_and_its_picture(alice: Customer) -> None:
    job = stage.job(alice)
    assert job.upload is not None

    for owner in (job.account, job.upload):
        with pytest.raises(IntegrityError), transaction.atomic():
            owner.delete()


def test_a_job_outlives_the_person_and_the_key_that_asked_for_it(alice: Customer) -> None:
    job = stage.job(alice)
    key = alice.account.api_keys.get()
    Generation.objects.filter(pk=job.pk).update(user=alice.user, api_key=key)

    key.delete()
    alice.user.delete()

    assert (stage.fresh(job).user, stage.fresh(job).api_key) == (None, None)
