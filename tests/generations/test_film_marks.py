"""What a customer does to a film: title, favourite, link, last frame, delete, undo."""

import html
import io
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import av
import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from django_q.models import Schedule
from PIL import Image, ImageChops, ImageStat
from pytest_django import Settings

from generations import delivery, disposal, gallery, lifecycle, marking
from generations.models import Generation, Upload
from tests.billing.races import together
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import fresh, get
from tests.generations.wall import hang, shown

DAY = disposal.UNDO_AGE


def press(customer: Customer, job: Generation, deed: str, **fields: str) -> Any:
    """Press a button of the film's page and follow where it leads."""
    answer = customer.browser.post(f"/films/{job.pk}/{deed}", fields, follow=True)
    assert answer.status_code == 200, answer.redirect_chain
    return answer


def text(answer: Any) -> str:
    return html.unescape(answer.content.decode())


@pytest.fixture
def hidden(alice: Customer) -> Generation:
    """A film of Alice's that she has just deleted."""
    [job] = hang(alice.account, {"prompt": "gone"})
    press(alice, job, "delete")
    return fresh(job)


# Title and favourite.


def test_a_title_takes_the_place_of_the_prompt(alice: Customer) -> None:
    [job] = hang(alice.account, {"prompt": "a grey horse"})

    press(alice, job, "title", title="  The\n start  <b> ")

    assert fresh(job).title == "The start <b>"
    for path in (f"/films/{job.pk}", "/gallery"):
        assert "The start &lt;b&gt;" in alice.browser.get(path).content.decode()
    press(alice, job, "title", title="")
    assert "a grey horse" in text(alice.browser.get("/gallery"))


@pytest.mark.parametrize(
    ("title", "kept"), [("x" * 500, "x" * 120), ("a\x00b", ""), ("ab\r\ncd", "ab cd")]
)
def test_a_title_has_its_limits(title: str, kept: str, alice: Customer) -> None:
    [job] = hang(alice.account, {})
    press(alice, job, "title", title=title)
    assert fresh(job).title == kept


def test_a_favourite_is_marked_and_unmarked(alice: Customer) -> None:
    [job] = hang(alice.account, {})

    press(alice, job, "favourite", to="on")
    assert fresh(job).favourite
    star = alice.browser.post(
        f"/films/{job.pk}/favourite", {"to": "off"}, headers={"HX-Request": "true"}
    )

    assert not fresh(job).favourite
    assert 'aria-pressed="false"' in star.content.decode()
    assert 'value="on"' in star.content.decode()
    assert "<html" not in star.content.decode()


@pytest.mark.parametrize(
    ("back", "leads"),
    [
        ("/gallery?q=a", "/gallery?q=a"),
        *((bad, None) for bad in ("https://evil.example/", "//evil.example", "javascript:x", "")),
    ],
)
def test_a_star_leads_back_to_this_site_only(back: str, leads: str | None, alice: Customer) -> None:
    [job] = hang(alice.account, {})
    answer = alice.browser.post(f"/films/{job.pk}/favourite", {"to": "on", "next": back})
    assert answer["Location"] == (leads or f"/films/{job.pk}")


# The link.


def test_a_film_is_shared_by_a_link_until_that_ends(finished: Generation, alice: Customer) -> None:
    assert get(alice.browser, f"/films/{finished.pk}").content.count(b"/s/") == 0
    press(alice, finished, "share")
    word = fresh(finished).share_word
    assert len(word) >= 22
    assert f"/s/{word}" in text(alice.browser.get(f"/films/{finished.pk}"))

    for part, kind in (("video.mp4", "video/mp4"), ("poster.jpg", "image/jpeg")):
        got = get(Client(), f"/s/{word}/{part}")
        assert (got.status, got.headers["Content-Type"]) == (200, kind)
        assert "noindex" in got.headers["X-Robots-Tag"]
        assert "no-cache" in got.headers["Cache-Control"]
    assert get(Client(), f"/s/{word}/video.mp4", Range="bytes=0-9").status == 206
    assert get(Client(), f"/s/{word}/strip.jpg").status == 404

    press(alice, finished, "unshare")
    for path in ("", "/video.mp4", "/poster.jpg"):
        assert get(Client(), f"/s/{word}{path}").status == 404
    press(alice, finished, "share")
    assert fresh(finished).share_word not in {"", word}


def test_the_shared_page_shows_the_film_and_nothing_of_its_account(
    finished: Generation, alice: Customer, settings: Settings
) -> None:
    Generation.objects.filter(pk=finished.pk).update(
        title="At <dusk>", inputs={**finished.inputs, "prompt": "a secret prompt"}
    )
    word = marking.share(finished)
    got = get(Client(), f"/s/{word}")
    page = got.content.decode()

    assert "noindex" in got.headers["X-Robots-Tag"]
    assert '<meta name="robots" content="noindex' in page
    address = f"{settings.PUBLIC_URL}/s/{word}"
    tags = dict(
        re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]+)" content="([^"]*)"', page)
    )
    assert tags["og:title"] == tags["twitter:title"] == "At &lt;dusk&gt;"
    assert tags["og:image"] == tags["twitter:image"] == f"{address}/poster.jpg"
    assert (tags["og:url"], tags["og:video"]) == (address, f"{address}/video.mp4")
    assert page.count('property="og:image"') == 1
    for secret in (
        *("a secret prompt", "alice", str(alice.account.pk), str(finished.pk), finished.pk.hex),
        *("$0.42", str(finished.upload_id), finished.video),
    ):
        assert secret not in page + str(got.headers)


def test_only_a_ready_film_is_shared(alice: Customer) -> None:
    job = stage.job(alice)
    assert "There is no film yet." in text(press(alice, job, "share"))
    assert fresh(job).share_word == ""


def test_a_deleted_film_is_shared_no_more_and_comes_back_with_its_link(
    finished: Generation, alice: Customer
) -> None:
    word = marking.share(finished)
    press(alice, finished, "delete")
    for path in ("", "/video.mp4", "/poster.jpg"):
        assert get(Client(), f"/s/{word}{path}").status == 404
    disposal.bring_back(Generation.objects.filter(pk=finished.pk))
    assert get(Client(), f"/s/{word}").status == 200

    disposal.delete_generation(finished)
    assert get(Client(), f"/s/{word}").status == 404
    assert fresh(finished).share_word == ""


@pytest.mark.parametrize("word", ["", "x", "x" * 43, "-", "0" * 32])
def test_no_other_word_opens_anything(word: str, finished: Generation) -> None:
    assert marking.shared(word) is None
    assert Client().get(f"/s/{word}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_two_who_share_at_once_get_one_link(alice: Customer) -> None:
    [job] = hang(alice.account, {})
    words = together([partial(marking.share, job)] * 2)
    assert words == [fresh(job).share_word] * 2


def test_the_database_keeps_links_apart(alice: Customer) -> None:
    hang(alice.account, {"share_word": "same"})
    with pytest.raises(IntegrityError, match="generation_share_word_once"), transaction.atomic():
        hang(alice.account, {"share_word": "same"})


# The last frame.


def test_a_film_goes_on_from_its_last_frame(
    finished: Generation, alice: Customer, reel: Path
) -> None:
    answer = press(alice, finished, "last-frame")

    upload = fresh(finished).last_frame
    assert upload is not None
    assert (upload.width, upload.height) == (finished.width, finished.height)
    page = text(answer)
    assert f'name="kept" id="id_kept" value="{upload.pk}"' in page
    assert "resolution=720p&duration=3" in answer.redirect_chain[0][0]
    with av.open(str(reel)) as container:
        *_, last = container.decode(video=0)
    with default_storage.open(upload.file) as file:
        cut = Image.open(io.BytesIO(file.read())).convert("RGB")
    image = last.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    difference = ImageStat.Stat(ImageChops.difference(cut, image)).mean
    assert max(difference) < 2

    press(alice, finished, "last-frame")
    assert fresh(finished).last_frame == upload, "it is cut once"
    said = {"kept": str(upload.pk), "resolution": "720p", "duration": "3"}
    assert alice.browser.post("/create", said).status_code == 302


def test_without_a_film_there_is_no_last_frame(alice: Customer) -> None:
    job = stage.job(alice)
    assert "There is no film yet." in text(press(alice, job, "last-frame"))


def test_a_film_that_cannot_be_read_says_so(finished: Generation, alice: Customer) -> None:
    Path(default_storage.path(finished.video)).write_bytes(b"not a film")
    assert "could not be opened" in text(press(alice, finished, "last-frame"))
    default_storage.delete(finished.video)
    assert "could not be opened" in text(press(alice, finished, "last-frame"))
    assert Upload.objects.count() == 1


def test_the_last_frame_goes_with_its_film_unless_another_begins_with_it(
    finished: Generation, alice: Customer
) -> None:
    upload = marking.last_frame(finished)
    other = stage.job(alice, upload)
    disposal.delete_generation(finished)
    upload.refresh_from_db()
    assert upload.is_ready
    assert lifecycle.cancel(other)
    disposal.delete_generation(other)
    upload.refresh_from_db()
    assert not upload.is_ready


def test_no_picture_of_others_opens_create(finished: Generation, charlie: Customer) -> None:
    upload = marking.last_frame(finished)
    page = text(charlie.browser.get(f"/create?picture={upload.pk}"))
    assert str(upload.pk) not in page
    for nonsense in ("x", "", str(uuid4())):
        assert charlie.browser.get(f"/create?picture={nonsense}").status_code == 200


# Delete and undo.


def test_a_deleted_film_is_gone_everywhere_until_it_is_brought_back(
    finished: Generation, alice: Customer
) -> None:
    address = delivery.video_address(finished)
    answer = press(alice, finished, "delete")
    assert 'id="undo"' in text(answer)

    assert str(finished.pk) not in text(alice.browser.get("/gallery"))
    assert alice.browser.get(f"/films/{finished.pk}").status_code == 404
    assert (
        alice.browser.get(f"/create?from={finished.pk}").content.count(finished.pk.hex.encode())
        == 0
    )
    assert alice.get(f"/api/v3/predictions/{finished.pk.hex}/result").status_code == 404
    assert alice.post("/api/v3/predictions", {}).json()["data"]["items"] == []
    assert get(Client(), address).status == 404
    assert shown(text(alice.browser.get("/create/recent"))) == []
    assert "Bring back" in text(alice.browser.get("/gallery/deleted"))
    assert get(alice.browser, f"/films/{finished.pk}/poster.jpg").status == 200

    [moment] = re.findall(r'name="deleted" value="(\d+)"', text(answer))
    back = alice.browser.post("/gallery/restore", {"deleted": moment}, follow=True)
    assert "Your film is back." in text(back)
    assert shown(text(back)) == [str(finished.pk)]
    assert get(Client(), address).status == 200
    assert fresh(finished).hidden_at is None


def test_a_film_is_brought_back_one_by_one_too(hidden: Generation, alice: Customer) -> None:
    alice.browser.post("/gallery/restore", {"film": str(hidden.pk)})
    assert fresh(hidden).hidden_at is None


def test_after_a_day_it_is_gone_for_good(finished: Generation, alice: Customer) -> None:
    press(alice, finished, "delete")
    moment = fresh(finished).hidden_at
    assert disposal.end_hidden() == 0
    Generation.objects.filter(pk=finished.pk).update(hidden_at=timezone.now() - DAY)

    assert disposal.end_hidden() == 1
    assert disposal.clear() == 6

    assert fresh(finished).deleted_at is not None
    assert moment is not None
    for fields in ({"deleted": gallery.moment_text(moment)}, {"film": str(finished.pk)}):
        answer = alice.browser.post("/gallery/restore", fields, follow=True)
        assert "There is nothing to bring back" in text(answer)
    assert fresh(finished).deleted_at is not None
    assert "Nothing was deleted lately" in text(alice.browser.get("/gallery/deleted"))
    assert get(alice.browser, f"/films/{finished.pk}/poster.jpg").status == 404


def test_who_brings_it_back_in_time_keeps_it(hidden: Generation) -> None:
    Generation.objects.filter(pk=hidden.pk).update(hidden_at=timezone.now() - DAY)
    assert disposal.bring_back(Generation.objects.filter(pk=hidden.pk)) == 1
    # The task had already chosen it.
    assert not disposal.delete_generation(hidden, hidden_before=timezone.now())
    assert fresh(hidden).deleted_at is None


@pytest.mark.django_db(transaction=True)
def test_two_who_delete_at_once_hide_it_once(alice: Customer) -> None:
    [job] = hang(alice.account, {})
    jobs = Generation.objects.filter(pk=job.pk)
    works = [partial(disposal.hide, jobs, timezone.now() + timedelta(seconds=n)) for n in range(2)]
    assert sorted(str(count) for count in together(works)) == ["0", "1"]


@pytest.mark.django_db(transaction=True)
def test_undo_against_the_end_has_one_winner(alice: Customer) -> None:
    for _ in range(5):
        [job] = hang(alice.account, {"hidden_at": timezone.now() - 2 * DAY})
        undo = partial(disposal.bring_back, Generation.objects.filter(pk=job.pk))
        works: list[Callable[[], int]] = [undo, disposal.end_hidden]
        counts = together(works)
        kept = fresh(job).deleted_at is None
        assert counts == ([1, 0] if kept else [0, 1])


def test_the_end_of_what_is_hidden_is_planned_and_has_a_limit(alice: Customer) -> None:
    plan = Schedule.objects.get(name="remove hidden films")
    assert (plan.func, plan.minutes) == ("generations.disposal.end_hidden", 5)
    hang(alice.account, *({"hidden_at": timezone.now() - 2 * DAY} for _ in range(3)))
    assert disposal.end_hidden(limit=2) == 2
    assert disposal.end_hidden() == 1


def test_what_is_being_made_cannot_be_deleted(alice: Customer) -> None:
    job = stage.job(alice)
    assert "still being made" in text(press(alice, job, "delete"))
    assert fresh(job).hidden_at is None
    with pytest.raises(IntegrityError, match="hidden_is_finished"), transaction.atomic():
        Generation.objects.filter(pk=job.pk).update(hidden_at=timezone.now())


def test_nobody_brings_back_or_deletes_the_films_of_others(
    hidden: Generation, charlie: Customer, alice: Customer
) -> None:
    [other] = hang(alice.account, {})
    assert hidden.hidden_at is not None
    moment = gallery.moment_text(hidden.hidden_at)
    for fields in ({"deleted": moment}, {"film": str(hidden.pk)}):
        charlie.browser.post("/gallery/restore", fields)
    charlie.browser.post("/gallery/delete", {"film": str(other.pk)})
    assert fresh(hidden).hidden_at is not None
    assert fresh(other).hidden_at is None
    assert "gone" not in text(charlie.browser.get("/gallery/deleted"))


@pytest.mark.parametrize("moment", ["", "x", "-1", "9" * 30, "²"])
def test_a_senseless_moment_brings_nothing_back(
    moment: str, hidden: Generation, alice: Customer
) -> None:
    alice.browser.post("/gallery/restore", {"deleted": moment})
    assert fresh(hidden).hidden_at is not None
    assert 'id="undo"' not in text(alice.browser.get("/gallery", {"deleted": moment}))
