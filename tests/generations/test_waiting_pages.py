"""What customers and the operator see while films wait: the place, the time, and the trouble."""

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from generations import context, failures, lifecycle, line, places, polling
from generations.models import Generation, Submission, UpstreamState
from tests.cast import Customer
from tests.generations import crowd, stage
from tests.generations.crowd import Party

Trouble = UpstreamState.Trouble

HTMX = {"HX-Request": "true"}
CALM = "New films cannot start at the moment."
PRECISE = "No film can start:"
MARK = "Paused: no money"


def text(browser: Client, path: str, **headers: str) -> str:
    """Return a page's words as a person reads them."""
    answer = browser.get(path, headers=headers)
    assert answer.status_code == 200, path
    words = re.sub(r"<[^>]+>", "", answer.content.decode())
    return " ".join(html.unescape(words).split())


@pytest.fixture(autouse=True)
def _counted_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every question answered from the tables as they are."""
    monkeypatch.setattr(line, "FRESH_SECONDS", 1e-9)


@pytest.fixture
def staff(charlie: Customer) -> Customer:
    """Charlie, as the operator."""
    User.objects.filter(pk=charlie.user.pk).update(is_staff=True, is_superuser=True)
    charlie.user.refresh_from_db()
    return charlie


def test_the_page_of_a_waiting_film_tells_its_place_and_time(
    alice: Customer, settings: Settings
) -> None:
    settings.WAVESPEED_CONCURRENCY = 1
    # Two minutes each, one at once: two ends until the second in line starts.
    for _ in range(3):
        crowd.finished(alice.account, 120)
    stage.processing(alice)
    first, second = stage.job(alice), stage.job(alice)

    for headers in ({}, HTMX):
        assert "you are next, up to 2 minutes" in text(
            alice.browser, f"/films/{first.pk}", **headers
        )
        words = text(alice.browser, f"/films/{second.pk}", **headers)
        assert "Waiting for a place: 1 before you, usually 2 to 4 minutes." in words
        assert "Until it is ready: usually 4 to 6 minutes." in words


def test_the_gallery_and_the_create_page_tell_the_place_in_two_words(alice: Customer) -> None:
    stage.job(alice), stage.job(alice)

    for path in ("/gallery", "/create"):
        words = text(alice.browser, path)
        assert "Next in line" in words
        assert "1 before you" in words


def test_a_place_far_back_is_told_with_its_thousands(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd.gather([Party(6)] * 300)
    job = stage.job(alice)
    now = timezone.now()
    Generation.objects.bulk_create([crowd.running(alice.account, now) for _ in range(4)])

    assert "1,200 before you" in text(alice.browser, f"/films/{job.pk}")


def test_who_waits_far_back_asks_less_often(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, last = stage.job(alice), stage.job(alice)
    monkeypatch.setattr(polling, "FAR_BACK", 1)

    pages = [alice.browser.get(f"/films/{each.pk}").content.decode() for each in (job, last)]

    assert ["every 1s" in page for page in pages] == [True, False]
    assert "every 5s" in pages[1]
    assert "every 1s" in alice.browser.get("/gallery").content.decode()


def test_a_job_that_has_its_place_is_being_handed_over(alice: Customer) -> None:
    job = stage.job(alice)
    places.claim(1)

    words = text(alice.browser, f"/films/{job.pk}")

    assert "Being handed over" in words
    assert "Waiting" not in words


def test_a_running_film_tells_the_time_left_and_a_late_one_that_it_is_late(alice: Customer) -> None:
    for _ in range(3):
        crowd.finished(alice.account, 120)
    job = stage.processing(alice)
    assert "Being made: about 2 minutes left." in text(alice.browser, f"/films/{job.pk}")

    Generation.objects.filter(pk=job.pk).update(submitted_at=timezone.now() - timedelta(minutes=3))

    assert "Being made: it takes longer than usual" in text(alice.browser, f"/films/{job.pk}")


def test_in_trouble_customers_are_told_calmly_and_no_details(alice: Customer) -> None:
    job = stage.job(alice)
    paths = ("/create", "/gallery", f"/films/{job.pk}")
    assert not any(CALM in text(alice.browser, path) for path in paths)

    places.note_trouble(Trouble.MONEY, "Insufficient credits")

    for path in paths:
        words = text(alice.browser, path)
        assert CALM in words
        assert "you pay only" in words
        assert "WaveSpeed" not in words.replace("WaveSpeed's", "")
        assert "Insufficient" not in words
        assert PRECISE not in words
    assert CALM in text(alice.browser, f"/films/{job.pk}", **HTMX)
    assert CALM not in text(alice.browser, "/billing")


def test_the_words_come_and_go_with_the_upstreams_money(
    alice: Customer, run_driver: Callable[[], None], settle: Callable[[], None]
) -> None:
    job = stage.job(alice, prompt="[broke]")

    run_driver()
    assert CALM in text(alice.browser, f"/films/{job.pk}")
    settle()

    assert CALM not in text(alice.browser, "/create")
    stage.assert_charged(job)


def test_a_film_that_runs_already_is_not_troubled(alice: Customer) -> None:
    job = stage.processing(alice)
    places.note_trouble(Trouble.DOWN, "no answer")

    assert CALM not in text(alice.browser, f"/films/{job.pk}")


def test_the_words_go_when_the_trouble_is_over(alice: Customer, staff: Customer) -> None:
    places.note_trouble(Trouble.DOWN, "no answer")
    places.end_trouble()

    assert CALM not in text(alice.browser, "/create")
    assert PRECISE not in text(staff.browser, "/create")


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (Trouble.MONEY, "out of money, since {since} UTC (0 minutes). Top up"),
        (Trouble.KEY, "refuses our key, since {since} UTC (0 minutes). Check WAVESPEED_API_KEY"),
        (Trouble.DOWN, "does not answer, since {since} UTC (0 minutes). Wait"),
    ],
)
def test_staff_read_on_every_page_what_is_wrong_and_what_to_do(
    trouble: UpstreamState.Trouble, says: str, staff: Customer, alice: Customer
) -> None:
    stage.job(alice)
    places.note_trouble(trouble, "as it said")
    since = UpstreamState.objects.get().trouble_since
    assert since is not None

    for path in ("/", "/create", "/gallery", "/billing"):
        words = text(staff.browser, path).replace("\xa0", " ")
        assert f"{PRECISE} the " in words
        assert says.format(since=f"{since:%H:%M}") in words
        assert "1 waiting film goes on by itself when it is over. Details" in words
        assert PRECISE not in text(alice.browser, path)


def test_staff_who_may_not_look_are_sent_nowhere(staff: Customer) -> None:
    User.objects.update(is_superuser=False)
    places.note_trouble(Trouble.KEY, "refused")

    words = text(staff.browser, "/create")

    assert "0 waiting films go on by themselves when it is over." in words
    assert "Details" not in words


def test_strangers_read_nothing_of_the_trouble(alice: Customer) -> None:
    places.note_trouble(Trouble.KEY, "refused")

    words = text(Client(), "/")

    assert CALM not in words
    assert PRECISE not in words


def test_every_trouble_has_a_way_out() -> None:
    ways = [context.way_out(UpstreamState(trouble=trouble)) for trouble in Trouble]
    assert len(set(ways)) == len(Trouble)


def test_the_admin_marks_its_pages_and_shows_what_is_known(
    staff: Customer, alice: Customer, settings: Settings
) -> None:
    settings.WAVESPEED_CONCURRENCY = 7
    stage.job(alice), stage.processing(alice)
    assert MARK not in text(staff.browser, "/admin/")
    places.note_trouble(Trouble.MONEY, "400 Insufficient credits")

    for path in ("/admin/generations/upstreamstate/", "/admin/generations/upstreamstate/1/change/"):
        words = text(staff.browser, path)
        assert "the account with the upstream is out of money" in words
        assert "Top up the credit at WaveSpeed." in words
        assert "400 Insufficient credits" in words
    assert "At once at most 7" in text(staff.browser, path)
    assert "Save" not in text(staff.browser, path)
    assert MARK in text(staff.browser, "/admin/")
    assert staff.browser.get("/admin/generations/upstreamstate/add/").status_code == 403


def test_without_trouble_the_admin_says_so(staff: Customer) -> None:
    places.note_trouble(Trouble.KEY, "refused")
    places.end_trouble()

    words = text(staff.browser, "/admin/generations/upstreamstate/1/change/")

    assert "Nothing: films start as they should." in words
    assert "no limit" in words


def test_the_admin_shows_what_was_sent_of_a_job(staff: Customer, alice: Customer) -> None:
    job = stage.job(alice)
    assert lifecycle.start_submit(job, "https://pictures.test/1")
    lifecycle.doubt(job, timedelta(), "no answer")

    page = staff.browser.get(f"/admin/generations/generation/{job.pk}/change/")
    words = page.content.decode()

    assert "nobody knows" in words
    assert 'name="submissions-0-outcome"' not in words
    assert 'name="submissions-TOTAL_FORMS" value="1"' in words


def test_the_admin_finds_jobs_in_doubt(staff: Customer, alice: Customer) -> None:
    plain, doubtful, twice, lost = (stage.job(alice) for _ in range(4))
    for job in (doubtful, twice, lost):
        assert lifecycle.start_submit(job, f"https://pictures.test/{job.pk}")
        lifecycle.doubt(job, timedelta(), "no answer")
    lifecycle.submit_again(twice)
    assert lifecycle.start_submit(twice, "https://pictures.test/2")
    lifecycle.accept(twice, "up", timedelta())
    lifecycle.fail(lost, failures.LOST, "may have been paid upstream; no answer")

    def found(choice: str) -> set[Generation]:
        page = staff.browser.get(f"/admin/generations/generation/?doubt={choice}")
        return {
            job for job in (plain, doubtful, twice, lost) if str(job.pk) in page.content.decode()
        }

    assert found("now") == {doubtful}
    assert found("paid") == {lost}
    assert found("once") == {doubtful, twice, lost}
    assert found("twice") == {twice}
    assert found("") == {plain, doubtful, twice, lost}
    assert Submission.objects.count() == 4
