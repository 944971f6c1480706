"""`/metrics`: the figures of the whole site, for who has the token."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_q.models import Schedule
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from billing.models import LedgerAccount, StripeEvent
from generations import failures, figures, lifecycle, places, proof
from generations.models import Generation, Submission, UpstreamState
from tests.cast import Customer, tester
from tests.generations import stage

TOKEN = "a-long-random-token"

pytestmark = pytest.mark.django_db


def measured() -> dict[tuple[str, ...], float]:
    """Every figure, by its name and the values of its labels."""
    families = text_string_to_metric_families(figures.text().decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_jobs_and_money_are_counted_and_test_mode_is_left_out(alice: Customer) -> None:
    stage.job(alice)
    lifecycle.fail(stage.job(alice), failures.NO_PLACE)
    stage.job(tester(alice))

    found = measured()

    assert found["gallop_jobs", "created"] == 1
    assert found["gallop_jobs", "processing"] == 0
    assert found["gallop_jobs_ended_hour", str(failures.NO_PLACE.code), "failed"] == 1
    assert found["gallop_transfers_micros_hour", "promotion"] == 25_000_000
    assert found["gallop_transfers_micros_hour", "capture"] == 0
    assert found[("gallop_customers_balance_micros",)] == 25_000_000
    assert found[("gallop_customers_held_micros",)] == stage.PRICE_SHORT_MICROS


def test_how_long_the_oldest_job_waits_is_told(alice: Customer) -> None:
    job = stage.job(alice)
    Generation.objects.update(status_since=timezone.now() - timedelta(minutes=10))
    stage.job(alice)
    assert 600 <= measured()["gallop_job_oldest_seconds", "created"] < 660
    lifecycle.fail(job, failures.NO_PLACE)
    assert measured()["gallop_job_oldest_seconds", "created"] < 60


def test_the_upstream_is_timed_by_what_the_database_knows(alice: Customer) -> None:
    job = stage.processing(alice)
    accepted = stage.fresh(job).submitted_at
    assert accepted is not None
    Submission.objects.update(sent_at=accepted - timedelta(seconds=3))
    found = measured()
    assert found["gallop_submission_seconds", "0.95"] == pytest.approx(3)
    assert found["gallop_submissions_hour", "accepted"] == 1
    assert found["gallop_submissions_hour", "in_doubt"] == 0


def test_trouble_upstream_shows_its_kind_and_length() -> None:
    places.note_trouble(UpstreamState.Trouble.MONEY, "Insufficient credits")
    UpstreamState.objects.update(trouble_since=timezone.now() - timedelta(minutes=5))
    found = measured()
    assert found["gallop_upstream_trouble", "money"] == 1
    assert found["gallop_upstream_trouble", "down"] == 0
    assert 300 <= found[("gallop_upstream_trouble_seconds",)] < 360


def test_events_that_had_no_effect_are_seen() -> None:
    then = timezone.now() - timedelta(hours=2)
    StripeEvent.objects.create(id="evt_1", type="x", payload={}, received_at=then)
    StripeEvent.objects.create(id="evt_2", type="x", payload={}, done_at=then)
    found = measured()
    assert found[("gallop_stripe_events_undone",)] == 1
    assert found[("gallop_stripe_events_undone_seconds",)] >= 7200


def test_the_last_audit_is_shown_with_its_faults(alice: Customer) -> None:
    assert measured()[("gallop_audit_age_seconds",)] == float("inf")
    assert proof.run_and_tell() == "0 faults"
    assert measured()[("gallop_audit_age_seconds",)] < 60
    LedgerAccount.objects.filter(account=alice.account).update(balance_micros=26_000_000)
    assert proof.run_and_tell() == "1 faults"
    assert measured()[("gallop_audit_faults",)] == 1


def test_the_audit_runs_every_hour_by_itself() -> None:
    planned = Schedule.objects.get(func="generations.proof.run_and_tell")
    assert planned.schedule_type == Schedule.HOURLY


def test_figures_take_few_questions_however_much_there_is(
    alice: Customer, django_assert_max_num_queries: object
) -> None:
    for _ in range(5):
        stage.job(alice)
    with django_assert_max_num_queries(30):  # type: ignore[operator]  # pytest-django's fixture
        figures.text()


@pytest.mark.parametrize("sent", ["", "Bearer wrong", TOKEN, f"bearer {TOKEN}", "Bearer ünï"])
def test_nobody_without_the_token_finds_the_figures(settings: Settings, sent: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    assert Client().get("/metrics", headers={"Authorization": sent}).status_code == 404


def test_who_has_the_token_reads_the_figures(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    assert b"gallop_jobs{" in answer.content


def test_without_a_token_a_public_site_shows_no_figures(settings: Settings) -> None:
    assert Client().get("/metrics").status_code == 200
    settings.LOCAL = False
    assert Client().get("/metrics").status_code == 404
