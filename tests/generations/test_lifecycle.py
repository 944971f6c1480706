"""The life of a job: every change is won by one, and money moves with it or not at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from django_q.models import OrmQ

from billing import ledger
from billing.models import Hold
from generations import catalog, failures, lifecycle
from generations.models import Generation
from generations.storage import Film
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import PRICE_SHORT_MICROS, Status, assert_charged, fresh

FILM = Film(
    "a.mp4", "a.jpg", "a-strip.jpg", "a-preview.mp4", "a.webp", 960, 720, 72, 3000, 1000, "0" * 64
)
NOW = timedelta()

Change = Callable[[Generation], bool]

CHANGES: dict[str, tuple[Change, set[str], str]] = {
    "start_submit": (
        lambda job: lifecycle.start_submit(job, "https://x/"),
        {"created"},
        "submitting",
    ),
    "accept": (
        lambda job: lifecycle.accept(job, "up", NOW),
        {"created", "submitting", "in_doubt"},
        "processing",
    ),
    "put_back": (
        lambda job: lifecycle.put_back(job, NOW, "429"),
        {"created", "submitting"},
        "created",
    ),
    "doubt": (lambda job: lifecycle.doubt(job, NOW, "504"), {"submitting"}, "in_doubt"),
    "finish": (lambda job: lifecycle.finish(job, FILM), {"processing"}, "completed"),
    "fail": (
        lambda job: lifecycle.fail(job, failures.MODEL_FAILED),
        {"created", "submitting", "in_doubt", "processing"},
        "failed",
    ),
}


def in_status(customer: Customer, status: Status) -> Generation:
    """Return a job that came into this status by lifecycle's own steps."""
    job = stage.job(customer)
    if status == Status.FAILED:
        lifecycle.fail(job, failures.NO_PLACE)
    if status in {Status.SUBMITTING, Status.IN_DOUBT, Status.PROCESSING, Status.COMPLETED}:
        lifecycle.start_submit(job, "https://pictures.test/copy.jpg")
    if status == Status.IN_DOUBT:
        lifecycle.doubt(job, NOW, "504")
    if status in {Status.PROCESSING, Status.COMPLETED}:
        lifecycle.accept(job, job.id.hex, NOW)
    if status == Status.COMPLETED:
        lifecycle.finish(job, FILM)
    assert fresh(job).status == status
    return job


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_happens_from_its_own_statuses_and_no_other(
    name: str, status: Status, alice: Customer
) -> None:
    change, allowed, new = CHANGES[name]
    job = in_status(alice, status)
    before = Generation.objects.filter(pk=job.pk).values().get()
    money = ledger.book(alice.account)

    assert change(job) is (status in allowed)

    after = Generation.objects.filter(pk=job.pk).values().get()
    if status in allowed:
        assert after["status"] == job.status == new
    else:
        assert after == before
        book = ledger.book(alice.account)
        assert book.balance_micros == money.balance_micros
        assert book.held_micros == money.held_micros


def test_a_request_holds_the_price_and_wakes_the_driver(alice: Customer) -> None:
    job = stage.job(alice, prompt="A horse")

    saved = fresh(job)
    assert (saved.status, saved.price_micros) == (Status.CREATED, PRICE_SHORT_MICROS)
    assert (saved.account, saved.inputs["prompt"]) == (alice.account, "A horse")
    hold = stage.hold(job)
    assert (hold.amount_micros, hold.state) == (PRICE_SHORT_MICROS, Hold.State.HELD)
    assert hold.memo == "HappyHorse 1.1 · 720p · 3 s"
    assert OrmQ.objects.count() == 1


def test_a_job_that_cannot_be_saved_leaves_no_hold(alice: Customer) -> None:
    inputs = catalog.IMAGE_TO_VIDEO.clean(stage.body("https://pictures.test/a"))
    with pytest.raises(DatabaseError), transaction.atomic():
        lifecycle.request(alice.account, catalog.IMAGE_TO_VIDEO, inputs, webhook="x" * 5000)

    assert not Hold.objects.exists()
    assert not OrmQ.objects.exists()
    assert alice.available_micros == 25_000_000


def test_a_wake_up_is_undone_with_its_job(alice: Customer) -> None:
    with transaction.atomic():
        stage.job(alice)
        assert OrmQ.objects.count() == 1
        transaction.set_rollback(True)

    assert not OrmQ.objects.exists()
    assert not Generation.objects.exists()
    assert not Hold.objects.exists()


def test_a_price_that_nobody_can_pay_is_refused_before_anything(alice: Customer) -> None:
    for _ in range(11):
        stage.job(alice, duration=15)

    with pytest.raises(ledger.InsufficientCredit) as refused:
        stage.job(alice, duration=15)

    assert refused.value.price_micros == 2_100_000
    assert refused.value.available_micros == 25_000_000 - 11 * 2_100_000
    assert Generation.objects.count() == Hold.objects.count() == OrmQ.objects.count() == 11


def test_finishing_captures_and_notes_the_facts(alice: Customer) -> None:
    job = stage.processing(alice)

    assert lifecycle.finish(job, FILM)

    done = fresh(job)
    assert_charged(done)
    assert (done.video, done.poster, done.strip) == ("a.mp4", "a.jpg", "a-strip.jpg")
    assert (done.width, done.height, done.frames, done.duration_ms) == (960, 720, 72, 3000)
    assert (done.size, done.sha256) == (1000, "0" * 64)
    assert done.finished_at is not None
    assert done.lease_until is None
    assert alice.balance_micros == alice.available_micros == 25_000_000 - PRICE_SHORT_MICROS


def test_finishing_twice_charges_once_and_keeps_the_first_film(alice: Customer) -> None:
    job = stage.processing(alice)
    assert lifecycle.finish(job, FILM)

    assert not lifecycle.finish(job, replace(FILM, video="b.mp4"))

    assert fresh(job).video == "a.mp4"
    assert_charged(job)
    assert alice.balance_micros == 25_000_000 - PRICE_SHORT_MICROS


def test_failing_after_the_finish_gives_nothing_back(alice: Customer) -> None:
    job = stage.processing(alice)
    lifecycle.finish(job, FILM)

    assert not lifecycle.fail(job, failures.TOO_LATE)

    assert_charged(job)
    assert fresh(job).error == ""


def test_finishing_after_the_failure_charges_nothing(alice: Customer) -> None:
    job = stage.processing(alice)
    assert lifecycle.fail(job, failures.TOO_LATE, "60 minutes")

    assert not lifecycle.finish(job, FILM)

    stage.assert_refunded(job, code=1406, says="did not finish in time")
    assert fresh(job).video == ""
    assert fresh(job).operator_note == "60 minutes"


def test_failing_twice_releases_once_and_keeps_the_first_reason(alice: Customer) -> None:
    job, other = stage.processing(alice), stage.processing(alice)
    assert lifecycle.fail(job, failures.MODERATED)

    assert not lifecycle.fail(job, failures.TOO_LATE)

    assert fresh(job).error_code == failures.MODERATED.code
    assert ledger.book(alice.account).held_micros == other.price_micros


def test_a_film_whose_money_cannot_be_booked_is_not_finished(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stage.processing(alice)

    def broken(_: str) -> bool:
        raise DatabaseError("The connection is gone.")

    monkeypatch.setattr(ledger, "capture", broken)
    with pytest.raises(DatabaseError), transaction.atomic():
        lifecycle.finish(job, FILM)

    assert fresh(job).status == Status.PROCESSING
    assert stage.hold(job).state == Hold.State.HELD


def test_long_notes_are_cut_to_what_fits(alice: Customer) -> None:
    job = stage.job(alice)

    assert lifecycle.put_back(job, NOW, "x" * 1000)

    assert fresh(job).operator_note == "x" * 500


def test_a_job_that_is_put_back_keeps_the_age_of_its_waiting(alice: Customer) -> None:
    job = stage.job(alice)
    lifecycle.start_submit(job, "https://pictures.test/copy.jpg")

    lifecycle.put_back(job, timedelta(minutes=5), "429")

    waiting = fresh(job)
    assert waiting.status_since == waiting.created_at
    assert waiting.attempts == 1
    assert waiting.due_at > timezone.now() + timedelta(minutes=4)
    assert waiting.lease_until is None


def test_postponing_changes_the_time_only_while_the_status_is_the_same(alice: Customer) -> None:
    job = stage.processing(alice)
    stale = fresh(job)
    lifecycle.postpone(job, timedelta(minutes=5))
    assert (fresh(job).status, fresh(job).attempts) == (Status.PROCESSING, 1)
    lifecycle.finish(job, FILM)
    due_at = fresh(job).due_at

    lifecycle.postpone(stale, timedelta(hours=5))

    assert fresh(job).due_at == due_at
    assert fresh(job).status == Status.COMPLETED


def test_a_submission_is_noted_with_what_came_of_it(alice: Customer) -> None:
    job = stage.job(alice)
    steps: list[tuple[Callable[[], bool], str]] = [
        (lambda: lifecycle.start_submit(job, "https://x/"), "sent"),
        (lambda: lifecycle.put_back(job, NOW, "429"), "turned_away"),
        (lambda: lifecycle.start_submit(job, "https://x/"), "sent"),
        (lambda: lifecycle.doubt(job, NOW, "504"), "in_doubt"),
        (lambda: lifecycle.accept(job, "up", NOW), "accepted"),
    ]

    for change, outcome in steps:
        assert change()
        last = job.submissions.order_by("-id").first()
        assert last is not None
        assert last.outcome == outcome

    outcomes = job.submissions.order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == ["turned_away", "accepted"]


def test_a_submission_that_is_refused_for_good_says_so(alice: Customer) -> None:
    job = in_status(alice, Status.SUBMITTING)

    lifecycle.fail(job, failures.INPUT_REFUSED)

    assert job.submissions.get().outcome == "refused"


def test_a_hint_makes_an_unfinished_job_due_and_wakes_the_driver(alice: Customer) -> None:
    job = stage.processing(alice)
    lifecycle.postpone(job, timedelta(hours=1))
    OrmQ.objects.all().delete()

    assert lifecycle.make_due(str(job.pk))

    assert fresh(job).due_at <= timezone.now()
    assert OrmQ.objects.count() == 1


def test_a_hint_about_a_finished_or_unknown_job_wakes_nobody(alice: Customer) -> None:
    job = in_status(alice, Status.COMPLETED)
    OrmQ.objects.all().delete()

    assert not lifecycle.make_due(str(job.pk))
    assert not lifecycle.make_due("0" * 32)
    assert not OrmQ.objects.exists()


def test_only_models_on_sale_can_be_priced(alice: Customer) -> None:
    with pytest.raises(KeyError):
        lifecycle.request(
            alice.account, catalog.IMAGE_TO_VIDEO, {"resolution": "480p", "duration": 3}
        )
    assert not Hold.objects.exists()
