"""Cancelling: free of charge until the model has the job, and refused with a reason after that."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync

from accounts import webhooks
from accounts.models import Event, WebhookDelivery
from billing.models import Hold
from config.outbound import Fetcher
from generations import lifecycle, places, wavespeed
from generations.models import Generation
from generations.steps import Steps
from tests.billing.races import together
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import Status, assert_charged, assert_refunded, fresh

NOW = timedelta()
SAYS = "Cancelled by you before the model began."
RACES = 10

Drive = Callable[[], None]


def cancel(customer: Customer, job: Generation) -> Any:
    """Ask the API to cancel."""
    return customer.post(f"/api/v3/predictions/{job.id.hex}/cancel", {})


def press(customer: Customer, job: Generation) -> Any:
    """Press the button on the page of the film."""
    return customer.browser.post(f"/films/{job.pk}/cancel", follow=True)


def assert_too_late(answer: Any, says: str) -> None:
    assert answer.status_code == answer.json()["code"] == 409
    assert says in answer.json()["message"]


@pytest.fixture
def waiting(alice: Customer) -> Generation:
    """Alice's job that waits for a place."""
    return stage.job(alice)


def test_a_job_that_waits_ends_at_once_and_costs_nothing(
    waiting: Generation, alice: Customer
) -> None:
    answer = cancel(alice, waiting)

    assert answer.status_code == 200
    assert (answer.json()["code"], answer.json()["message"]) == (200, "success")
    shown = answer.json()["data"]
    assert (shown["id"], shown["status"]) == (waiting.id.hex, "failed")
    assert (shown["code"], shown["error"], shown["outputs"]) == (1403, SAYS, [])
    assert_refunded(waiting, code=1403, says=SAYS)
    assert alice.available_micros == 25_000_000
    assert fresh(waiting).finished_at is not None


def test_the_result_tells_of_the_cancellation(waiting: Generation, alice: Customer) -> None:
    cancelled = cancel(alice, waiting).json()

    assert alice.get(f"/api/v3/predictions/{waiting.id.hex}/result").json() == cancelled


def test_a_cancelled_job_is_never_submitted(
    waiting: Generation, alice: Customer, settle: Drive, sandbox: str
) -> None:
    cancel(alice, waiting)

    settle()

    assert stage.accepted(sandbox, waiting) == []
    assert not waiting.submissions.exists()


def test_a_job_that_holds_a_place_may_be_cancelled_too(
    waiting: Generation, alice: Customer
) -> None:
    [claimed] = places.claim(1, uuid4())

    assert cancel(alice, waiting).status_code == 200

    assert not lifecycle.start_submit(claimed, "https://pictures.test/a.jpg")
    assert not lifecycle.put_back(claimed, NOW, "HTTP 429")
    assert_refunded(waiting, code=1403, says=SAYS)


def test_its_driver_finds_it_cancelled_and_does_not_post(
    waiting: Generation, alice: Customer, sandbox: str
) -> None:
    [claimed] = places.claim(1, uuid4())
    cancel(alice, waiting)

    async def submit() -> None:
        async with wavespeed.Client() as upstream, Fetcher() as fetcher:
            await Steps(upstream, fetcher).take(claimed)

    async_to_sync(submit)()

    assert stage.accepted(sandbox, waiting) == []
    assert_refunded(waiting, code=1403, says=SAYS)


def test_a_place_that_was_held_is_free_for_another(
    waiting: Generation, alice: Customer, settings: Any
) -> None:
    settings.WAVESPEED_CONCURRENCY = 1
    other = stage.job(alice)
    places.claim(1, uuid4())
    assert places.claim(1, uuid4()) == []

    cancel(alice, waiting)

    assert [job.pk for job in places.claim(1, uuid4())] == [other.pk]


def test_a_job_that_was_turned_away_may_be_cancelled(waiting: Generation, alice: Customer) -> None:
    assert lifecycle.start_submit(waiting, "https://pictures.test/a.jpg")
    assert lifecycle.put_back(waiting, NOW, "HTTP 429")

    assert cancel(alice, waiting).status_code == 200

    assert_refunded(waiting, code=1403, says=SAYS)


def test_once_it_is_on_its_way_it_is_too_late(waiting: Generation, alice: Customer) -> None:
    says = "The model has this job or is about to, so it can no longer be cancelled."
    assert lifecycle.start_submit(waiting, "https://pictures.test/a.jpg")
    assert_too_late(cancel(alice, waiting), says)
    lifecycle.doubt(waiting, NOW, "504")
    assert_too_late(cancel(alice, waiting), says)
    lifecycle.accept(waiting, "abc", NOW)
    assert_too_late(cancel(alice, waiting), says)

    assert fresh(waiting).status == Status.PROCESSING
    assert stage.hold(waiting).state == Hold.State.HELD


def test_a_film_that_is_ready_cannot_be_cancelled(finished: Generation, alice: Customer) -> None:
    assert_too_late(cancel(alice, finished), "This film is ready, so there is nothing to cancel.")

    assert_charged(finished)


def test_what_was_cancelled_cannot_be_cancelled_again(waiting: Generation, alice: Customer) -> None:
    cancel(alice, waiting)

    assert_too_late(cancel(alice, waiting), f"This job has ended already. {SAYS}")

    assert alice.available_micros == 25_000_000


def test_nobody_cancels_another_s_job(
    waiting: Generation, alice: Customer, charlie: Customer
) -> None:
    assert cancel(charlie, waiting).status_code == 404
    assert press(charlie, waiting).status_code == 404
    assert charlie.post("/api/v3/predictions/nonsense/cancel", {}).status_code == 404
    assert fresh(waiting).status == Status.CREATED


def test_the_account_s_servers_are_told(waiting: Generation, alice: Customer) -> None:
    webhooks.add(alice.account, "https://customer.test/hook", [Event.FAILED])

    cancel(alice, waiting)

    assert WebhookDelivery.objects.get().event == Event.FAILED


def test_cancelling_is_asked_for_by_post(waiting: Generation, alice: Customer) -> None:
    assert alice.get(f"/api/v3/predictions/{waiting.id.hex}/cancel").status_code == 405
    assert alice.browser.get(f"/films/{waiting.pk}/cancel").status_code == 405


def test_the_button_on_the_page_cancels_a_job_that_waits(
    waiting: Generation, alice: Customer
) -> None:
    page = alice.browser.get(f"/films/{waiting.pk}").content.decode()
    assert f'id="cancel-form" method="post" action="/films/{waiting.pk}/cancel"' in page
    assert 'form="cancel-form"' in page

    answer = press(alice, waiting)

    assert answer.redirect_chain == [(f"/films/{waiting.pk}", 302)]
    page = answer.content.decode()
    assert "Cancelled. You were not charged." in page
    assert "notice--bad" not in page
    assert "Failed" not in page
    assert_refunded(waiting, code=1403, says=SAYS)


def test_a_button_pressed_too_late_says_so(alice: Customer) -> None:
    running = stage.processing(alice)

    answer = press(alice, running)

    assert "it can no longer be cancelled" in answer.content.decode()
    assert fresh(running).status == Status.PROCESSING


def test_no_button_stands_where_nothing_can_be_cancelled(
    alice: Customer, finished: Generation
) -> None:
    for job in (finished, stage.processing(alice)):
        assert 'id="cancel"' not in alice.browser.get(f"/films/{job.pk}").content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_cancelling_and_submitting_at_once_exactly_one_wins(alice: Customer) -> None:
    picture = stage.upload(alice)
    outcomes = set()
    for _ in range(RACES):
        job = stage.job(alice, picture)
        [claimed] = places.claim(1, uuid4())
        cancelled, submitted = together(
            [
                partial(lifecycle.cancel, fresh(job)),
                partial(lifecycle.start_submit, claimed, "https://pictures.test/a.jpg"),
            ]
        )
        assert {cancelled, submitted} == {True, False}
        outcomes.add((cancelled, fresh(job).status))

    assert outcomes <= {(True, Status.FAILED), (False, Status.SUBMITTING)}
