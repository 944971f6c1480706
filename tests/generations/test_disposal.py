"""Deleted files really go: noted with the job's own transaction, removed until they are gone."""

import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Schedule
from pytest_django import Settings

from billing import audit as payments
from billing import sums
from config import media
from generations import audit, delivery, disposal, failures, lifecycle, storage
from generations.models import DiscardedFile, Generation
from tests.billing.races import together
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import fresh, get

PARTS = ("video.mp4", "poster.jpg", "poster-small.webp", "strip.jpg", "preview.mp4", "picture")


@pytest.fixture
def kept(finished: Generation, settings: Settings) -> Generation:
    """Alice's finished job, with all of its six files in the storage."""
    assert len(files(settings)) == 6
    return finished


def files(settings: Settings) -> list[str]:
    """Return every file of the storage."""
    base = Path(settings.MEDIA_ROOT)
    return sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())


def noted() -> set[str]:
    return set(DiscardedFile.objects.values_list("name", flat=True))


def save(name: str, days_old: float = 0) -> str:
    """Put a file into the storage as if it had been there for so long."""
    saved = default_storage.save(name, ContentFile(b"x"))
    then = (timezone.now() - timedelta(days=days_old)).timestamp()
    os.utime(default_storage.path(saved), (then, then))
    return saved


def refuse(*_: Any) -> NoReturn:
    raise media.StorageDown("The storage does not answer.")


def test_a_deleted_job_loses_its_files_and_its_picture(
    kept: Generation, settings: Settings
) -> None:
    assert disposal.delete_generation(kept)
    assert len(files(settings)) == 6

    assert disposal.clear() == 6

    assert files(settings) == []
    assert noted() == set()
    gone = fresh(kept)
    assert [getattr(gone, part) for part in disposal.PARTS] == [""] * 5
    assert gone.deleted_at is not None
    assert gone.upload is not None
    assert not gone.upload.is_ready


def test_nobody_sees_a_deleted_job_any_more(kept: Generation, alice: Customer) -> None:
    address = delivery.video_address(kept)

    disposal.delete_generation(kept)

    result = alice.get(f"/api/v3/predictions/{kept.id.hex}/result")
    assert (result.status_code, result.json()["message"]) == (404, "Prediction not found.")
    assert get(alice.browser, f"/films/{kept.pk}").status == 404
    for part in PARTS:
        assert get(alice.browser, f"/films/{kept.pk}/{part}").status == 404
    assert get(Client(), address).status == 404
    assert str(kept.pk) not in alice.browser.get("/gallery").content.decode()


def test_what_was_paid_stays_paid_and_the_audit_agrees(kept: Generation, alice: Customer) -> None:
    before = alice.balance_micros

    disposal.delete_generation(kept)
    disposal.clear()

    stage.assert_charged(kept)
    assert alice.balance_micros == before
    assert sums.audit().faults == payments.faults() == audit.faults() == []


def test_deleting_twice_is_deleting_once(kept: Generation) -> None:
    assert disposal.delete_generation(kept)
    since = fresh(kept).deleted_at

    assert not disposal.delete_generation(kept)
    assert fresh(kept).deleted_at == since


def test_a_failed_job_can_be_deleted(alice: Customer, settings: Settings) -> None:
    job = stage.job(alice)
    lifecycle.fail(job, failures.NO_PLACE)

    assert disposal.delete_generation(job)

    assert disposal.clear() == 1
    assert files(settings) == []
    assert not Generation.objects.visible_to(alice.account).exists()


@pytest.mark.parametrize("status", ["created", "submitting", "in_doubt", "processing"])
def test_a_job_that_still_runs_cannot_be_deleted(status: str, alice: Customer) -> None:
    job = stage.processing(alice)
    Generation.objects.filter(pk=job.pk).update(status=status)

    with pytest.raises(disposal.StillRunning, match="still being made"):
        disposal.delete_generation(job)

    assert noted() == set()
    assert fresh(job).deleted_at is None


def test_a_picture_that_another_job_uses_stays(kept: Generation, alice: Customer) -> None:
    assert kept.upload is not None
    other = stage.job(alice, kept.upload)

    disposal.delete_generation(kept)
    assert kept.upload.file not in noted()
    assert get(alice.browser, f"/films/{other.pk}/picture").status == 200

    lifecycle.fail(other, failures.NO_PLACE)
    disposal.delete_generation(other)
    assert kept.upload.file in noted()


@pytest.mark.django_db(transaction=True)
def test_two_jobs_of_one_picture_deleted_at_once_let_it_go(alice: Customer) -> None:
    upload = stage.upload(alice)
    jobs = [stage.job(alice, upload) for _ in range(2)]
    for job in jobs:
        lifecycle.fail(job, failures.NO_PLACE)

    assert together([partial(disposal.delete_generation, job) for job in jobs]) == [True, True]

    assert noted() == {upload.file}


def test_what_is_rolled_back_is_not_removed(kept: Generation, settings: Settings) -> None:
    with transaction.atomic():
        disposal.delete_generation(kept)
        transaction.set_rollback(True)

    assert disposal.clear() == 0
    assert len(files(settings)) == 6


def test_a_storage_that_fails_is_tried_again(
    kept: Generation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    disposal.delete_generation(kept)

    with monkeypatch.context() as down:
        down.setattr(media.Folder, "delete", refuse)
        assert disposal.clear() == 0
    assert len(noted()) == len(files(settings)) == 6

    assert disposal.clear() == 6
    assert files(settings) == []


def test_a_storage_that_is_down_is_not_asked_for_every_file(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    asked = []

    def down(_: media.Folder, name: str) -> NoReturn:
        asked.append(name)
        raise media.StorageDown

    monkeypatch.setattr(media.Folder, "delete", down)
    disposal.discard(f"films/{number}.mp4" for number in range(20))

    assert disposal.clear() == 0
    assert asked == ["films/0.mp4", "films/1.mp4", "films/2.mp4"]
    # And next time others come first: three files that are stuck stop nobody.
    disposal.clear()
    assert asked[3:] == ["films/3.mp4", "films/4.mp4", "films/5.mp4"]


def test_one_file_that_is_stuck_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, db: None
) -> None:
    Path(settings.MEDIA_ROOT, "stuck").mkdir(parents=True)
    (Path(settings.MEDIA_ROOT) / "stuck" / "inside").touch()
    disposal.discard(["stuck", save("films/1.mp4"), "films/never-was.mp4"])
    monkeypatch.setattr(media.Folder, "delete", _as_a_user(media.Folder.delete))

    assert disposal.clear() == 2
    assert noted() == {"stuck"}


def _as_a_user(delete: Any) -> Any:
    def guarded(folder: media.Folder, name: str) -> None:
        if name == "stuck":
            raise PermissionError(name)
        delete(folder, name)

    return guarded


def test_a_round_has_a_limit_and_the_oldest_go_first(db: None) -> None:
    for number in range(5):
        disposal.discard([f"films/{number}.mp4"])

    assert disposal.clear(limit=2) == 2
    assert noted() == {"films/2.mp4", "films/3.mp4", "films/4.mp4"}


def test_noting_costs_one_statement_and_twice_is_once(db: None) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        disposal.discard(["a", "", "b", "a"])
    disposal.discard(["b"])

    assert len(asked) == 1
    assert noted() == {"a", "b"}


def test_a_late_attempt_goes_the_same_way(kept: Generation, reel: Path, settings: Settings) -> None:
    late = storage.keep(kept, reel)
    storage.discard(late)

    assert noted() == set(late.names)
    assert disposal.clear() == 5
    assert len(files(settings)) == 6
    assert default_storage.exists(kept.video)


def test_the_folder_of_a_job_goes_with_its_last_file(kept: Generation, settings: Settings) -> None:
    disposal.delete_generation(kept)
    disposal.clear()

    assert not Path(settings.MEDIA_ROOT, "films", kept.id.hex).exists()


def test_orphans_go_and_nothing_else(kept: Generation, settings: Settings) -> None:
    stem = f"films/{kept.id.hex}"
    lost = {save(f"{stem}/lost.mp4", days_old=2), save(f"films/{'0' * 32}/a.mp4", days_old=1.1)}
    young = save(f"{stem}/young.mp4", days_old=0.9)
    foreign = {save("films/readme.txt", days_old=9), save("films/other/a.txt", days_old=9)}
    for name in files(settings):
        if name in {getattr(kept, part) for part in disposal.PARTS}:
            os.utime(default_storage.path(name), (0, 0))
    before = set(files(settings))

    assert set(disposal.orphans(timezone.now())) == lost
    assert disposal.sweep() == 2

    assert before - set(files(settings)) == lost
    assert {young, *foreign} <= set(files(settings))


def test_many_orphans_are_asked_about_in_few_questions(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disposal, "ORPHANS_AT_ONCE", 10)
    for number in range(25):
        save(f"films/{number:032x}/a.mp4", days_old=2)

    with CaptureQueriesContext(connection) as asked:
        assert len(list(disposal.orphans(timezone.now()))) == 25
    assert len(asked) == 3


def test_the_command_names_orphans_and_removes_them(
    kept: Generation, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = save(f"films/{kept.id.hex}/lost.mp4", days_old=2)

    call_command("clear_orphans", "--dry-run")
    assert capsys.readouterr().out == f"{lost}\n"
    assert lost in files(settings)

    call_command("clear_orphans")
    assert capsys.readouterr().out == "1 orphaned files found and removed.\n"
    assert lost not in files(settings)


def test_with_no_films_there_are_no_orphans(db: None) -> None:
    assert disposal.sweep() == 0


@pytest.mark.parametrize(
    ("name", "function", "minutes"),
    [
        ("remove discarded files", "generations.disposal.clear", 1),
        ("remove orphaned files", "generations.disposal.sweep", None),
    ],
)
def test_both_are_planned(name: str, function: str, minutes: int | None, db: None) -> None:
    plan = Schedule.objects.get(name=name)

    assert (plan.func, plan.minutes) == (function, minutes)


def test_the_database_refuses_a_deleted_job_that_still_runs(alice: Customer) -> None:
    job = stage.job(alice)

    with (
        pytest.raises(IntegrityError, match='"generation_deleted_is_finished"'),
        transaction.atomic(),
    ):
        Generation.objects.filter(pk=job.pk).update(deleted_at=timezone.now())
