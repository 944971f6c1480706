"""Many films in one ZIP: complete, well named, sent part by part, and one's own only."""

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from pytest_django import Settings

from accounts.models import Account
from config import media
from generations import bulk
from generations.models import Generation
from tests.cast import Customer
from tests.generations.stage import Got, fresh, read
from tests.generations.wall import START, film, hang

MEGABYTE = 1024 * 1024


def keep(account: Any, content: bytes, **fields: Any) -> Generation:
    """Put a film with this content into table and storage."""
    name = default_storage.save("films/one.mp4", ContentFile(content))
    [job] = hang(account, {"video": name, **fields})
    return job


def download(customer: Customer, *jobs: Generation) -> Got:
    fields = {"film": [str(job.pk) for job in jobs], "next": "/gallery?q=a"}
    return read(customer.browser.post("/gallery/download", fields))


def test_the_chosen_films_come_in_one_zip(alice: Customer) -> None:
    one, two = keep(alice.account, b"first", prompt="The sea"), keep(alice.account, b"second")

    got = download(alice, one, two)

    assert got.headers["Content-Type"] == "application/zip"
    assert got.headers["Content-Disposition"].startswith('attachment; filename="gallop-films-')
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == {
            f"2026-03-01 The sea {one.pk.hex[:8]}.mp4": b"first",
            f"2026-03-01 {two.pk.hex[:8]}.mp4": b"second",
        }
        assert archive.infolist()[0].date_time[:3] == (2026, 3, 1)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("../../etc/passwd", "etc passwd"),
        ("..", ""),
        ("/", ""),
        ("C:\\con.mp4", "C con.mp4"),
        ('a:b*c?d"e<f>g|h', "a b c d e f g h"),
        ("line\r\nbreak\ttab", "line break tab"),
        ("turned \u202egnp.exe", "turned gnp.exe"),
        ("nul\u0000led", "nul led"),
        ("  . dots . ", "dots"),
        ("Ünïcødé 山 🐎", "Ünïcødé 山 🐎"),
        ("e\u0301", "é"),
        ("山" * 120, "山" * 66),
        ("x" * 120, "x" * 120),
    ],
)
def test_a_name_fits_every_system(title: str, words: str) -> None:
    job = film(Account(), title=title, created_at=START)
    name = bulk.file_name(job)
    day, number = str(job.created_at.date()), job.pk.hex[:8]
    assert name == " ".join(filter(None, [day, words, number])) + ".mp4"
    assert len(name.encode()) <= 255


def test_odd_names_live_through_the_zip(alice: Customer) -> None:
    job = keep(alice.account, b"x", title="Ünï/../山 🐎")
    with zipfile.ZipFile(io.BytesIO(download(alice, job).content)) as archive:
        assert archive.namelist() == [bulk.file_name(job)]
        assert "山 🐎" in archive.namelist()[0]


def test_a_large_film_is_never_whole_in_memory(alice: Customer, settings: Settings) -> None:
    path = Path(settings.MEDIA_ROOT) / "large.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(64 * MEGABYTE)
    jobs = hang(alice.account, {"video": "large.mp4"}, {"video": "large.mp4"})

    tracemalloc.start()
    sent = sum(len(part) for part in bulk.archive(jobs))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sent > 128 * MEGABYTE
    assert peak < 4 * MEGABYTE


def test_who_goes_away_in_the_middle_leaves_no_file_open(alice: Customer) -> None:
    parts = bulk.archive([keep(alice.account, b"x" * MEGABYTE)])
    next(parts)
    parts.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(parts)


def test_a_film_that_is_gone_is_named_in_the_zip(alice: Customer) -> None:
    here, gone = keep(alice.account, b"here"), keep(alice.account, b"gone", title="Lost")
    default_storage.delete(gone.video)

    with zipfile.ZipFile(io.BytesIO(download(alice, here, gone).content)) as archive:
        assert set(archive.namelist()) == {bulk.file_name(here), bulk.MISSING}
        assert bulk.file_name(gone) in archive.read(bulk.MISSING).decode()


def test_a_storage_that_is_down_is_told_on_a_page(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any) -> NoReturn:
        raise media.StorageDown

    job = keep(alice.account, b"x")
    monkeypatch.setattr(media.Folder, "open", down)

    got = download(alice, job)

    assert (got.status, got.headers["Location"]) == (302, "/gallery?q=a")


def test_only_ones_own_ready_films_are_sent(alice: Customer, charlie: Customer) -> None:
    job = keep(alice.account, b"hers")
    failed = hang(alice.account, {"status": "failed", "error": "x", "video": ""})[0]

    for customer, films in ((charlie, [job]), (alice, [failed]), (alice, [])):
        got = download(customer, *films)
        assert got.status == 302
        assert b"hers" not in got.content


def test_nonsense_chooses_nothing_and_too_many_are_refused(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, browser = keep(alice.account, b"x"), alice.browser
    for deed in ("download", "delete"):
        for said in (["x"], ["0" * 32], ["-" * 36], [""]):
            assert browser.post(f"/gallery/{deed}", {"film": said}).status_code == 302
        many = [str(job.pk)] * (bulk.FILMS_MAX + 1)
        answer = browser.post(f"/gallery/{deed}", {"film": many}, follow=True)
        assert "Choose at most 100 films at once." in answer.content.decode()
    assert fresh(job).hidden_at is None


def test_the_chosen_films_are_deleted_and_come_back_together(alice: Customer) -> None:
    jobs = hang(alice.account, *({"prompt": f"film {n}"} for n in range(3)))
    said = {"film": [str(job.pk) for job in jobs[:2]]}

    answer = alice.browser.post("/gallery/delete", said)

    assert [fresh(job).hidden_at is None for job in jobs] == [False, False, True]
    moment = answer["Location"].partition("deleted=")[2]
    back = alice.browser.post("/gallery/restore", {"deleted": moment}, follow=True)
    assert "Your 2 films are back." in back.content.decode()
    assert all(fresh(job).hidden_at is None for job in jobs)


def test_a_get_changes_nothing(alice: Customer) -> None:
    for deed in ("download", "delete", "restore"):
        assert alice.browser.get(f"/gallery/{deed}").status_code == 405
