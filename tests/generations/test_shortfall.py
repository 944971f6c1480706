"""A film that came out shorter than asked is kept and shown; only its seconds are paid."""

import html
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from billing import ledger, sums
from billing.models import Hold, Transfer
from generations import audit, lifecycle, pricing
from generations.models import Generation
from generations.storage import Film
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import fresh

HAD_MICROS = 25_000_000
FILM = Film(
    video="a.mp4",
    poster="a.jpg",
    strip="a-strip.jpg",
    preview="a-preview.mp4",
    poster_small="a-small.webp",
    width=960,
    height=720,
    frames=72,
    duration_ms=3000,
    size=1000,
    sha256="0" * 64,
)


def finished(customer: Customer, duration_ms: int, **inputs: object) -> Generation:
    """Finish a job of 5 s in 1080p ($0.945) with a film of this length."""
    image = stage.upload(customer)
    job = stage.job(customer, image, **{"resolution": "1080p", "duration": 5, **inputs})
    lifecycle.start_submit(job, "https://pictures.test/1")
    lifecycle.accept(job, job.id.hex, timedelta())
    assert lifecycle.finish(job, replace(FILM, duration_ms=duration_ms))
    return fresh(job)


@pytest.mark.parametrize(
    ("duration_ms", "paid_seconds"),
    [
        (4999, 5),
        (4960, 5),
        (4501, 5),
        (4500, 4),
        (4000, 4),
        (3958, 4),
        (1000, 1),
        (600, 1),
        (83, 1),
        (1, 1),
    ],
)
def test_the_nearest_whole_second_is_paid_and_at_least_one(
    duration_ms: int, paid_seconds: int
) -> None:
    back = pricing.shortfall(945_000, 5, duration_ms)

    assert back == (5 - paid_seconds) * 189_000
    assert type(back) is int


@pytest.mark.parametrize("duration_ms", [5000, 5042, 5501, 6000, 60_000])
def test_a_film_as_long_as_asked_or_longer_gives_nothing_back(duration_ms: int) -> None:
    assert pricing.shortfall(945_000, 5, duration_ms) == 0


def test_the_price_of_then_counts_not_the_one_of_today() -> None:
    assert pricing.shortfall(5 * 111_111, 5, 2000) == 3 * 111_111


def test_the_missing_seconds_come_back_in_the_same_moment(alice: Customer) -> None:
    job = finished(alice, 3000)

    stage.assert_charged(job)
    assert alice.balance_micros == alice.available_micros == HAD_MICROS - 3 * 189_000
    assert (job.price_micros, job.shortfall_micros, job.paid_micros) == (945_000, 378_000, 567_000)
    assert (job.seconds, job.seconds_missing) == ("00:03", 2)
    assert job.operator_note == "came out 2 s shorter"
    assert sums.audit().faults == audit.faults() == []


def test_the_statement_has_the_film_and_what_came_back_of_it(alice: Customer) -> None:
    job = finished(alice, 3000)

    back, charge, _ = ledger.statement(alice.account)
    assert (charge.change_micros, back.change_micros) == (-945_000, 378_000)
    assert back.memo == "HappyHorse 1.1 · 1080p · 5 s · came out 2 s shorter"
    assert back.reference == charge.reference == job.hold_reference


def test_a_longer_film_costs_no_more(alice: Customer) -> None:
    job = finished(alice, 7000)

    assert alice.balance_micros == HAD_MICROS - 945_000
    assert (job.shortfall_micros, job.seconds_missing, job.operator_note) == (0, 0, "")
    assert not Transfer.objects.filter(kind=Transfer.Kind.SHORTFALL).exists()


def test_finishing_again_gives_nothing_more_back(alice: Customer) -> None:
    job = finished(alice, 3000)

    assert not lifecycle.finish(job, replace(FILM, duration_ms=1000))

    assert alice.balance_micros == HAD_MICROS - 3 * 189_000
    assert fresh(job).shortfall_micros == 378_000


def test_what_cannot_come_back_leaves_the_job_unfinished_and_unpaid(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stage.processing(alice)

    def broken(*_: object) -> bool:
        raise DatabaseError("The connection is gone.")

    monkeypatch.setattr(ledger, "give_back", broken)
    with pytest.raises(DatabaseError), transaction.atomic():
        lifecycle.finish(job, replace(FILM, duration_ms=2000))

    assert fresh(job).status == "processing"
    assert stage.hold(job).state == Hold.State.HELD


def test_the_page_says_what_is_missing_and_what_was_paid(alice: Customer) -> None:
    job = finished(alice, 3000)

    text = html.unescape(alice.browser.get(f"/films/{job.pk}").content.decode())
    assert (
        "The film came out 2 seconds shorter than you asked. You paid for 3 s; $0.378 came back"
        in text
    )
    assert '<li class="mono">$0.567</li>' in text


def test_the_page_of_a_film_as_asked_says_nothing_of_it(alice: Customer) -> None:
    job = finished(alice, 5000)

    text = alice.browser.get(f"/films/{job.pk}").content.decode()
    assert "shorter" not in text
    assert '<li class="mono">$0.945</li>' in text


def test_the_audit_names_a_job_whose_seconds_did_not_come_back(alice: Customer) -> None:
    job = finished(alice, 5000)
    Generation.objects.filter(pk=job.pk).update(shortfall_micros=189_000)

    assert audit.faults() == [
        f"{job.hold_reference} came out shorter, but 189000 did not come back"
    ]


def test_the_audit_names_what_came_back_of_a_film_as_long_as_asked(alice: Customer) -> None:
    job = finished(alice, 5000)
    ledger.give_back(job.hold_reference, 189_000, "")

    assert audit.faults() == [
        f"{job.hold_reference} did not come out shorter by 189000, which came back"
    ]


@pytest.mark.parametrize("micros", [-1, 945_000, 945_001])
def test_the_database_refuses_a_shortfall_outside_of_the_price(
    alice: Customer, micros: int
) -> None:
    job = finished(alice, 5000)

    with (
        pytest.raises(IntegrityError, match='"generation_shortfall_within_price"'),
        transaction.atomic(),
    ):
        Generation.objects.filter(pk=job.pk).update(shortfall_micros=micros)


def test_the_database_refuses_a_shortfall_of_a_job_without_a_film(alice: Customer) -> None:
    job = stage.job(alice)

    with (
        pytest.raises(IntegrityError, match='"generation_shortfall_within_price"'),
        transaction.atomic(),
    ):
        Generation.objects.filter(pk=job.pk).update(shortfall_micros=1)
