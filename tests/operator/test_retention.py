"""What has been kept long enough goes, and nothing else."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Failure, Schedule, Task
from pytest_django import Settings

from billing.models import StripeEvent
from generations import disposal, retention
from generations.models import Upload
from tests.cast import Customer
from tests.generations import stage

pytestmark = pytest.mark.django_db


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def test_sessions_that_have_ended_go() -> None:
    Session.objects.create(session_key="old", session_data="", expire_date=ago(0.1))
    Session.objects.create(session_key="new", session_data="", expire_date=ago(-1))
    retention.forget()
    assert [one.session_key for one in Session.objects.all()] == ["new"]


def test_events_go_90_days_after_their_effect_and_unworked_ones_stay() -> None:
    for name, done in (("evt_old", ago(91)), ("evt_new", ago(89)), ("evt_undone", None)):
        StripeEvent.objects.create(
            id=name, type="x", payload={}, done_at=done, received_at=ago(200)
        )
    retention.forget()
    assert set(StripeEvent.objects.values_list("pk", flat=True)) == {"evt_new", "evt_undone"}


def test_a_picture_that_no_film_began_with_goes_with_its_file(
    alice: Customer, settings: Settings
) -> None:
    used, unused, young = stage.upload(alice), stage.upload(alice), stage.upload(alice)
    stage.job(alice, used)
    Upload.objects.filter(pk__in=[used.pk, unused.pk]).update(created_at=ago(8))
    retention.forget()
    disposal.clear()
    assert set(Upload.objects.values_list("pk", flat=True)) == {used.pk, young.pk}
    there = {path.name for path in (Path(settings.MEDIA_ROOT) / "uploads").iterdir()}
    assert there == {Path(used.file).name, Path(young.file).name}


def test_failed_tasks_go_after_a_month() -> None:
    for name, days in (("old", 31), ("new", 29)):
        Task.objects.create(
            id=name, name=name, func="x", started=ago(days), stopped=ago(days), success=False
        )
    retention.forget()
    assert [task.id for task in Failure.objects.all()] == ["new"]


def test_a_dry_run_counts_and_removes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Session.objects.create(session_key="old", session_data="", expire_date=ago(0.1))
    call_command("forget", dry_run=True)
    assert "1 sessions that have ended" in capsys.readouterr().out
    assert Session.objects.count() == 1
    call_command("forget")
    assert "Removed: 1 sessions that have ended" in capsys.readouterr().out


def test_it_runs_every_day_by_itself() -> None:
    planned = Schedule.objects.get(func="generations.retention.forget")
    assert planned.schedule_type == Schedule.DAILY


def test_more_than_a_batch_goes_in_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(5):
        Session.objects.create(session_key=f"s{number}", session_data="", expire_date=ago(1))
    retention.forget()
    assert Session.objects.count() == 0
