"""Backups that come back: under load, whole, into an empty database and nowhere else."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings

from billing import ledger
from billing.models import LedgerAccount, Transfer
from config import backup
from generations import recovery
from generations.models import Generation
from tests.cast import Customer
from tests.generations import stage

# Leaves the machine to those who are measured.
PAUSE_SECONDS = 0.02


@pytest.fixture
def load(alice: Customer) -> Iterator[Callable[[], int]]:
    """Somebody who buys and makes films all the time; asked, how much was done so far."""
    done, stop = [0], threading.Event()

    def work() -> None:
        while not stop.wait(PAUSE_SECONDS):
            ledger.deposit(
                alice.account,
                1_000_000,
                source=LedgerAccount.Code.PROMOTIONS,
                kind=Transfer.Kind.PROMOTION,
                reference=f"load {done[0]}",
            )
            stage.words_job(alice, "a horse")
            done[0] += 1
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield lambda: done[0]
    stop.set()
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_restore_of_a_backup_taken_under_load_gives_a_clean_audit(
    load: Callable[[], int], record_property: Callable[[str, object], None]
) -> None:
    default_storage.save("films/1/a.mp4", ContentFile(b"film"))
    before = load()
    found = recovery.drill()
    assert load() > before, "nobody worked meanwhile"
    assert found["ok"]
    assert found["audit"]["transfers"] >= before
    assert found["media_files"] == 1
    seconds = f"{found['backup_seconds']} s, restored in {found['restore_seconds']} s"
    record_property("figure", f"backup under load ({load()} rounds): taken in {seconds}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'gallop_drill_%'")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_nothing_is_restored_over_what_is_there(tmp_path: Path) -> None:
    taken = json.loads(_output("backup", tmp_path))
    with pytest.raises(CommandError, match="is not empty"):
        call_command("restore", str(tmp_path))
    assert taken["media_files"] == 0


@pytest.mark.django_db
def test_a_dump_that_was_changed_is_not_restored(tmp_path: Path) -> None:
    taken = backup.take(tmp_path)
    with (tmp_path / f"{taken.stamp}.dump").open("ab") as dump:
        dump.write(b"x")
    with pytest.raises(backup.CannotRestore, match="SHA-256"):
        backup.restore(tmp_path, taken)


def test_a_folder_without_backups_says_so(tmp_path: Path) -> None:
    with pytest.raises(backup.CannotRestore, match="There is no backup at all"):
        backup.Backup.read(tmp_path)
    with pytest.raises(backup.CannotRestore, match="There is no backup 2026"):
        backup.Backup.read(tmp_path, "2026")


@pytest.mark.django_db
def test_media_are_copied_once_and_only_their_owner_may_read_the_dump(tmp_path: Path) -> None:
    default_storage.save("films/1/a.mp4", ContentFile(b"film"))
    taken = backup.take(tmp_path / "b")
    copied = tmp_path / "b" / "media" / "films" / "1" / "a.mp4"
    assert copied.read_bytes() == b"film"
    assert (taken.media_files, taken.media_size) == (1, 4)
    dump = tmp_path / "b" / f"{taken.stamp}.dump"
    assert dump.stat().st_mode & 0o077 == 0
    changed = copied.stat().st_mtime_ns
    list(backup._copy_out(tmp_path / "b" / "media"))
    assert copied.stat().st_mtime_ns == changed


def test_old_backups_go_with_the_media_that_only_they_name(tmp_path: Path) -> None:
    for days, names in ((40, "old shared"), (35, "old shared"), (1, "shared new")):
        _pretend(tmp_path, days, names.split())
    assert backup.prune(tmp_path, 30) == 2
    assert sorted(path.name for path in (tmp_path / "media").iterdir()) == ["new", "shared"]
    assert len(list(tmp_path.glob("*.dump"))) == 1


def test_the_newest_backup_stays_however_old_it_is(tmp_path: Path) -> None:
    _pretend(tmp_path, 400, ["a"])
    assert backup.prune(tmp_path, 30) == 0
    assert (tmp_path / "media" / "a").exists()


def test_media_come_back_where_they_are_missing_and_nowhere_else(
    tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.mp4").write_bytes(b"kept")
    default_storage.save("films/b.mp4", ContentFile(b"newer"))
    (tmp_path / "films" / "b.mp4").write_bytes(b"older")
    copied = [backup._copy_in(tmp_path, f"films/{name}.mp4") for name in "abc"]
    assert copied == [1, 0, 0]
    place = Path(settings.MEDIA_ROOT) / "films"
    assert (place / "a.mp4").read_bytes() == b"kept"
    assert (place / "b.mp4").read_bytes() == b"newer"


@pytest.mark.django_db
def test_a_finished_film_without_its_file_is_told(alice: Customer) -> None:
    name = default_storage.save("films/1/a.mp4", ContentFile(b"film"))
    job = stage.processing(alice)
    Generation.objects.filter(pk=job.pk).update(
        status=Generation.Status.COMPLETED, video=name, finished_at=timezone.now()
    )
    assert recovery.state()["films_missing"] == 0
    default_storage.delete(name)
    assert recovery.state()["missing"] == [job.pk.hex]


def _pretend(folder: Path, days: int, names: list[str]) -> None:
    stamp = (datetime.now(UTC) - timedelta(days=days)).strftime(backup.STAMP)
    facts = backup.Backup(stamp, 18, "", 0, len(names), 0)
    (folder / "media").mkdir(exist_ok=True)
    (folder / f"{stamp}.json").write_text(json.dumps(facts.__dict__))
    (folder / f"{stamp}.dump").touch()
    (folder / f"{stamp}.media").write_text("\n".join(names))
    for name in names:
        (folder / "media" / name).touch()


def _output(command: str, folder: Path) -> str:
    written = io.StringIO()
    call_command(command, str(folder), stdout=written)
    return written.getvalue()
