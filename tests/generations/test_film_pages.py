"""The gallery and the page of a film: one's own, as they stand, and nobody else's."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from generations import failures, lifecycle
from generations.models import STRIP_FRAMES, Generation
from generations.templatetags import films
from tests.cast import Customer
from tests.generations import stage

HTMX = {"HX-Request": "true"}


def page(customer: Customer, path: str, **headers: str) -> str:
    """Return a page as this customer's browser gets it."""
    answer = customer.browser.get(path, headers=headers)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def shown(markup: str) -> list[str]:
    """Return the ids of the jobs whose cards are on the page, from top to bottom."""
    return re.findall(r'<a href="/films/([0-9a-f-]{36})"', markup)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/docs"])
def test_anybody_may_see_what_is_sold(path: str) -> None:
    answer = Client().get(path)

    assert answer.status_code == 200
    assert b"1080p" in answer.content
    assert Client().head(path).status_code == 200
    assert Client().post(path).status_code == 405


@pytest.mark.parametrize("path", ["/gallery", "/films/00000000-0000-4000-8000-000000000000"])
def test_strangers_are_asked_to_sign_in(path: str) -> None:
    assert Client().get(path).status_code == 302


def test_the_gallery_is_empty_at_first(alice: Customer) -> None:
    assert "Your first film goes here" in page(alice, "/gallery")


def test_the_gallery_shows_films_and_running_jobs_and_no_failures(
    finished: Generation, alice: Customer
) -> None:
    running, failed = stage.job(alice), stage.job(alice)
    lifecycle.fail(failed, failures.NO_PLACE)
    Generation.objects.filter(pk=failed.pk).update(finished_at=timezone.now() - timedelta(hours=1))

    ids = shown(page(alice, "/gallery"))

    assert str(running.pk) in ids
    assert str(finished.pk) in ids
    assert str(failed.pk) not in ids


def test_nobody_sees_the_films_of_others(finished: Generation, charlie: Customer) -> None:
    assert shown(page(charlie, "/gallery")) == []
    assert shown(page(charlie, "/gallery", **HTMX)) == []
    assert charlie.browser.get(f"/films/{finished.pk}").status_code == 404
    assert charlie.browser.get(f"/films/{finished.pk}", headers=HTMX).status_code == 404


def test_the_newest_film_comes_first_and_old_ones_have_pages(
    finished: Generation, alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generations.gallery.PAGE", 2)
    fields = Generation.objects.filter(pk=finished.pk).values().get()
    others = []
    for number in (1, 2):
        created = finished.created_at + timedelta(minutes=number)
        changes = {"id": uuid4(), "upstream_id": f"up-{number}", "created_at": created}
        others.append(Generation.objects.create(**{**fields, **changes}))

    first = page(alice, "/gallery")
    assert shown(first) == [str(others[1].pk), str(others[0].pk)]
    [more] = set(re.findall(r'href="(/gallery\?after=[^"]+)"', first))
    assert shown(page(alice, more)) == [str(finished.pk)]
    assert shown(page(alice, more, **HTMX)) == [str(finished.pk)]
    assert "<html" not in page(alice, more, **HTMX)
    assert shown(page(alice, "/gallery?after=x")) == shown(first)


def test_the_running_jobs_ask_for_themselves_until_all_have_ended(alice: Customer) -> None:
    job = stage.job(alice)
    [ask] = re.findall(r'hx-get="(/gallery\?making=[^"]+)"', page(alice, "/gallery"))

    lifecycle.fail(job, failures.NO_PLACE)
    fragment = page(alice, ask, **HTMX)

    assert shown(fragment) == [str(job.pk)]
    assert "hx-get" not in fragment
    assert "<html" not in fragment
    assert "$25.00" in fragment, "the balance comes along"


@pytest.mark.parametrize("watched", ["", "x", ",,", "0" * 32, "-" * 36, "9" * 5000, "²" * 32])
def test_what_nobody_has_is_not_watched(watched: str, alice: Customer) -> None:
    assert shown(page(alice, f"/gallery?making={watched}", **HTMX)) == []


def test_the_jobs_of_others_are_not_watched(finished: Generation, charlie: Customer) -> None:
    assert shown(page(charlie, f"/gallery?making={finished.pk.hex}", **HTMX)) == []


def test_the_page_of_a_film_plays_it(finished: Generation, alice: Customer) -> None:
    markup = page(alice, f"/films/{finished.pk}")

    for part in ("video.mp4", "poster.jpg", "strip.jpg", "video.mp4?download"):
        assert f"/films/{finished.pk}/{part}" in markup
    assert 'width="960" height="720"' in markup
    assert "960 × 720" in markup
    assert "$0.42" in markup
    assert "hx-get" not in re.sub(r"<script.*?</script>", "", markup)


def test_the_page_of_a_running_job_asks_for_its_middle(alice: Customer) -> None:
    job = stage.processing(alice)

    whole, middle = page(alice, f"/films/{job.pk}"), page(alice, f"/films/{job.pk}", **HTMX)

    assert f'hx-get="/films/{job.pk}"' in whole
    assert f'hx-get="/films/{job.pk}"' in middle
    assert "<html" in whole
    assert "<html" not in middle
    assert "<video" not in middle
    assert f"/films/{job.pk}/picture" in middle


def test_the_page_of_a_failed_job_says_why_and_that_nothing_was_charged(alice: Customer) -> None:
    job = stage.job(alice)
    lifecycle.fail(job, failures.MODERATED, "the operator's own note")

    markup = page(alice, f"/films/{job.pk}")

    # In the page's own escaping.
    assert failures.MODERATED.sentence.replace("'", "&#x27;") in markup
    assert "You were not charged." in markup
    assert "$0.42" in markup
    assert f"/create?from={job.pk}" in markup
    assert "operator" not in markup
    assert "<video" not in markup


@pytest.mark.parametrize("method", ["get", "head"])
def test_an_unknown_film_is_404(method: str, alice: Customer) -> None:
    send: Any = getattr(alice.browser, method)
    assert send(f"/films/{uuid4()}").status_code == 404
    assert send("/films/not-an-id").status_code == 404


@pytest.mark.parametrize(
    ("seconds_running", "filled"), [(0, 1), (1, 2), (3, 6), (6, 11), (600, 11)]
)
def test_the_strip_fills_with_the_time_and_is_full_only_at_the_end(
    seconds_running: int, filled: int, alice: Customer
) -> None:
    job = stage.processing(alice)
    started = timezone.now() - timedelta(seconds=seconds_running)
    Generation.objects.update(submitted_at=started)

    assert stage.fresh(job).strip_filled == filled
    assert filled < STRIP_FRAMES


def test_the_strip_is_empty_before_and_full_after(alice: Customer, finished: Generation) -> None:
    assert stage.job(alice).strip_filled == 0
    assert finished.strip_filled == STRIP_FRAMES


@pytest.mark.parametrize(
    ("milliseconds", "asked", "timecode"),
    [(None, 5, "00:05"), (2000, 3, "00:02"), (14_958, 15, "00:15"), (61_000, 15, "01:01")],
)
def test_the_timecode_is_the_films_own_once_there_is_one(
    milliseconds: int | None, asked: int, timecode: str
) -> None:
    job = Generation(inputs={"duration": asked}, duration_ms=milliseconds)
    assert job.seconds == timecode


@pytest.mark.parametrize(
    ("status", "public"),
    [
        ("created", "created"),
        ("submitting", "created"),
        ("in_doubt", "created"),
        ("processing", "processing"),
    ],
)
def test_programs_see_only_statuses_that_wavespeeds_clients_know(
    status: str, public: str, alice: Customer
) -> None:
    job = stage.job(alice)
    Generation.objects.update(status=status, upstream_id="up")

    data = alice.get(f"/api/v3/predictions/{job.id.hex}/result").json()["data"]

    assert (data["status"], data["outputs"]) == (public, [])


def test_how_much_a_sum_pays_for_is_rounded_down() -> None:
    assert films.seconds_for("10", "720p") == 71
    assert films.seconds_for("25", "1080p") == 132


def test_a_line_of_the_statement_leads_to_its_film(finished: Generation) -> None:
    assert films.film_of(finished.hold_reference) == finished.pk
    assert films.film_of("for alice") is None
    assert films.film_of("generation:lost") is None
