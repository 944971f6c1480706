"""Test jobs take nothing from live ones: no place, no count, no line, no hands, no figures."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.admin import site
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import twins
from billing import audit as payments
from billing import ledger, sums
from config.limits import Tier
from generations import (
    audit,
    claims,
    context,
    disposal,
    driver,
    failures,
    lifecycle,
    line,
    pace,
    places,
    watch,
)
from generations.admin import UpstreamStateAdmin
from generations.models import Generation, Submission, UpstreamState
from tests import cast
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import Status, assert_charged, fresh

Drive = Callable[[], None]
Trouble = UpstreamState.Trouble

HOLD_MODE = "ledger_account__account__mode__exact"


def running(tester: Customer, count: int = 1) -> list[Generation]:
    """Request so many test jobs that are being made."""
    picture = stage.upload(tester)
    jobs = [stage.job(tester, picture, prompt="[fail]") for _ in range(count)]
    for job in jobs:
        assert lifecycle.accept(job, f"test-{job.id.hex}", timedelta())
    return jobs


def ids(jobs: list[Generation]) -> set[UUID]:
    return {job.pk for job in jobs}


# Places upstream.


def test_a_test_job_gets_no_place_upstream_and_needs_none(tess: Customer, alice: Customer) -> None:
    test, live = stage.job(tess), stage.job(alice)
    assert ids(places.claim(9)) == {live.pk}
    assert ids(claims.claim_tests(9)) == {test.pk}


def test_test_jobs_take_no_place_of_live_ones(
    tess: Customer, alice: Customer, settings: Settings
) -> None:
    settings.WAVESPEED_CONCURRENCY, settings.WAVESPEED_PER_MINUTE = 1, 1
    running(tess, 3)
    stage.job(tess)
    claims.claim_tests(9)
    live = stage.job(alice)

    assert ids(places.claim(9)) == {live.pk}
    assert not Submission.objects.exists()


def test_neither_claims_the_others_due_jobs(tess: Customer, alice: Customer) -> None:
    [test], live = running(tess), stage.processing(alice)
    assert ids(claims.claim(9)) == {live.pk}
    assert ids(claims.claim_tests(9)) == {test.pk}
    assert claims.claim_tests(9) == []


def test_a_429_teaches_nothing_about_test_jobs(tess: Customer, alice: Customer) -> None:
    running(tess, 5)
    stage.processing(alice)
    places.lower_ceiling()
    assert places.state().ceiling == 1


@pytest.mark.parametrize("trouble", [Trouble.MONEY, Trouble.KEY, Trouble.DOWN])
def test_trouble_upstream_stops_no_test_job(
    trouble: Trouble, tess: Customer, alice: Customer, rehearse_once: Drive
) -> None:
    places.note_trouble(trouble, "as the test wants it")
    test, live = stage.job(tess), stage.job(alice)
    UpstreamState.objects.update(probe_at=timezone.now() + timedelta(hours=1))
    for _ in range(2):
        rehearse_once()
        Generation.objects.filter(test=True).update(due_at=timezone.now())

    assert_charged(test)
    assert fresh(live).status == Status.CREATED


def test_a_waiting_test_job_is_no_probe_and_hinders_none(tess: Customer, alice: Customer) -> None:
    places.note_trouble(Trouble.DOWN, "as the test wants it")
    UpstreamState.objects.update(probe_at=None)
    stage.job(tess)
    claims.claim_tests(9)
    live = stage.job(alice)

    assert ids(places.claim(9)) == {live.pk}


# The watch.


def test_the_watch_sees_no_test_job(tess: Customer, alice: Customer) -> None:
    running(tess)
    live = stage.processing(alice)
    assert [job.pk for job in claims.watchable()] == [live.pk]
    assert list(watch._running()[0]) == [live.id.hex]


# What customers are told.


def test_test_jobs_stand_in_nobodys_line(
    tess: Customer, alice: Customer, settings: Settings
) -> None:
    settings.WAVESPEED_CONCURRENCY = 1
    test = [stage.job(tess) for _ in range(3)][-1]
    live = stage.job(alice)
    line.forget()

    place = line.place_of(live)
    assert place is not None
    assert place.before == 0
    assert line.place_of(test) is None
    outlook = line.outlooks([running(tess)[0]])
    assert [one.late for one in outlook.values()] == [False]


def test_how_long_test_jobs_take_is_no_pace_of_live_ones(tess: Customer) -> None:
    for job in running(tess, 5):
        Generation.objects.filter(pk=job.pk).update(
            status=Status.COMPLETED, finished_at=timezone.now(), video="films/x.mp4"
        )
    pace.forget()
    assert pace.lately().overall is None


def test_a_test_job_is_expected_soon_whatever_live_ones_take(tess: Customer) -> None:
    [job] = running(tess)
    lately = pace.Pace(runs={}, overall=pace.Span(300, 600), mean_seconds=450)
    assert lately.known(job) is None
    assert lately.run(job).high < 10


def test_the_pause_is_not_told_in_test_mode(
    tess: Customer, alice: Customer, rehearse_once: Drive
) -> None:
    places.note_trouble(Trouble.DOWN, "as the test wants it")
    test, live = stage.job(tess), stage.job(alice)
    for path, told in ((f"/films/{test.pk}", False), ("/create", False), ("/gallery", False)):
        assert (b"cannot start at the moment" in tess.browser.get(path).content) is told
    for path in (f"/films/{live.pk}", "/create", "/gallery"):
        assert b"cannot start at the moment" in alice.browser.get(path).content


# The operator's figures.


def test_the_operator_counts_live_jobs_only(tess: Customer, alice: Customer) -> None:
    running(tess)
    stage.job(tess)
    stage.job(alice)
    stage.processing(alice)
    places.note_trouble(Trouble.DOWN, "as the test wants it")

    assert "1 waiting film goes on" in context.words(places.state())
    operators = UpstreamStateAdmin(UpstreamState, site)
    assert (operators.waiting(places.state()), operators.running(places.state())) == (1, 1)


@pytest.mark.parametrize(
    ("listed", "test", "live"),
    [
        ("generations/generation", "test__exact=1", "test__exact=0"),
        ("accounts/account", "mode__exact=test", "mode__exact=live"),
        ("accounts/apikey", "mode__exact=test", "mode__exact=live"),
        (
            "billing/hold",
            "ledger_account__account__mode=test",
            "ledger_account__account__mode=live",
        ),
        ("billing/ledgeraccount", "mode=test", "mode=live"),
        ("billing/transfer", "mode=test", "mode=live"),
    ],
)
def test_the_operator_looks_at_one_mode_at_a_time(
    listed: str, test: str, live: str, tess: Customer, alice: Customer
) -> None:
    stage.job(tess)
    stage.job(alice)
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save()

    def rows(query: str) -> set[object]:
        page = alice.browser.get(f"/admin/{listed}/?{query}")
        assert page.status_code == 200, (listed, query)
        return set(page.context["cl"].queryset)

    everything, tests, lives = rows(""), rows(test), rows(live)
    assert tests
    assert lives
    assert everything == tests | lives
    assert not tests & lives


# Limits.


@pytest.fixture
def two_at_once(settings: Settings) -> None:
    """An account may run two jobs at once."""
    settings.LIMITS = [Tier(0, 600, 1200, 2), Tier(100, 600, 1200, 50)]


def test_an_account_runs_as_many_test_jobs_at_once_as_the_smallest_limit_says(
    tess: Customer, two_at_once: None
) -> None:
    [under_way] = running(tess)
    waiting = [stage.job(tess) for _ in range(3)]

    assert ids(claims.claim_tests(9)) == {under_way.pk, waiting[0].pk}
    assert claims.claim_tests(9) == []

    lifecycle.fail(under_way, failures.MODEL_FAILED)
    assert ids(claims.claim_tests(9)) == {waiting[1].pk}


def test_accounts_take_turns(tess: Customer, bob: Customer) -> None:
    tobias = cast.tester(bob)
    many = running(tess, 4)
    [late] = running(tobias)
    assert ids(claims.claim_tests(2)) == {many[0].pk, late.pk}


def test_however_many_test_jobs_there_are_they_have_few_hands(
    tess: Customer, rehearse_once: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "REHEARSALS_MAX", 2)
    for _ in range(5):
        stage.job(tess)

    rehearse_once()

    assert Generation.objects.filter(status=Status.PROCESSING).count() == 2
    assert Generation.objects.filter(status=Status.CREATED, lease_until=None).count() == 3


# What is kept.


def ended(job: Generation, **ago: float) -> Generation:
    assert lifecycle.fail(job, failures.MODEL_FAILED)
    Generation.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(**ago))
    return fresh(job)


def test_test_jobs_are_deleted_a_week_after_their_end(tess: Customer, alice: Customer) -> None:
    old = ended(stage.job(tess), days=7, seconds=1)
    kept = [ended(stage.job(tess), days=6), ended(stage.job(alice), days=99), stage.job(tess)]

    assert disposal.end_tests() == 1
    assert disposal.end_tests() == 0

    assert fresh(old).deleted_at is not None
    assert [fresh(job).deleted_at for job in kept] == [None, None, None]
    assert sums.audit().faults == payments.faults() == audit.faults() == []


def test_the_audit_names_a_job_that_is_not_of_its_accounts_mode(
    tess: Customer, alice: Customer
) -> None:
    test, live = stage.job(tess), stage.job(alice)
    assert audit.faults() == []
    Generation.objects.filter(pk=test.pk).update(test=False)
    Generation.objects.filter(pk=live.pk).update(test=True)
    assert audit.faults() == [
        f"{job.hold_reference}: its mode is not that of its account" for job in (test, live)
    ]


def test_a_stranger_sees_no_test_film(tess: Customer, bob: Customer) -> None:
    job = stage.job(tess)
    for browser in (bob.browser, cast.tester(bob).browser):
        assert browser.get(f"/films/{job.pk}").status_code == 404
    assert Client().get(f"/films/{job.pk}").status_code == 302
    assert twins.twin_of(bob.account) != tess.account


def test_a_test_key_that_has_spent_everything_is_told_where_there_is_more(tess: Customer) -> None:
    ledger.hold(tess.account, 99_900_000, reference="all but ten cents")

    answer = tess.post(stage.MODEL, stage.body(stage.upload(tess)))

    assert answer.status_code == 402
    assert "There is more at" in answer.json()["message"]
    assert answer.json()["data"]["balance"] == 0.1
