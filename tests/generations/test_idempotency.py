"""Idempotency-Key on submit: many requests, one job, one hold, one answer."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connections
from django.test import Client
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import Schedule

from billing import ledger
from billing.models import Hold, LedgerAccount, Transfer
from generations import idempotency
from generations.models import Generation, KeptAnswer
from tests import cast
from tests.cast import Customer
from tests.generations import stage

PARALLEL = 50
NAME = "order-4711"


def submit(customer: Customer, body: dict[str, Any], name: str = NAME, query: str = "") -> Any:
    """Post a job with an Idempotency-Key."""
    return Client().post(
        stage.MODEL + query,
        body,
        content_type="application/json",
        headers={**customer.bearer, "Idempotency-Key": name},
    )


def test_the_same_request_again_gets_the_first_answer_and_makes_nothing(alice: Customer) -> None:
    body = stage.body(stage.upload(alice))

    first, again = submit(alice, body), submit(alice, body)

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Generation.objects.count() == Hold.objects.count() == 1


def test_the_order_of_the_fields_makes_no_other_request(alice: Customer) -> None:
    body = stage.body(stage.upload(alice), prompt="a calm sea")
    turned = dict(reversed(list(body.items())))

    assert submit(alice, body).json() == submit(alice, turned).json()
    assert Generation.objects.count() == 1


@pytest.mark.parametrize("change", [{"prompt": "another"}, {"duration": 4}])
def test_another_request_with_the_same_key_is_refused(
    alice: Customer, change: dict[str, Any]
) -> None:
    body = stage.body(stage.upload(alice))
    submit(alice, body)

    refused = submit(alice, {**body, **change})

    assert refused.status_code == 409
    assert "another request" in refused.json()["message"]
    assert Generation.objects.count() == Hold.objects.count() == 1


def test_another_webhook_is_another_request(alice: Customer) -> None:
    body = stage.body(stage.upload(alice))
    submit(alice, body)

    assert submit(alice, body, query="?webhook=https://hooks.test/a").status_code == 409


def test_other_accounts_have_keys_of_their_own(alice: Customer, charlie: Customer) -> None:
    hers = submit(alice, stage.body(stage.upload(alice)))
    his = submit(charlie, stage.body(stage.upload(charlie)))

    assert his.status_code == 200
    assert his.json()["data"]["id"] != hers.json()["data"]["id"]


def test_a_request_that_failed_may_be_repeated_with_its_key(bob: Customer) -> None:
    body = stage.body(stage.upload(bob))
    assert submit(bob, body).status_code == 402
    assert not KeptAnswer.objects.exists()
    ledger.deposit(
        bob.account,
        5_000_000,
        source=LedgerAccount.Code.PROMOTIONS,
        kind=Transfer.Kind.PROMOTION,
        reference="later",
    )

    assert submit(bob, body).status_code == 200
    assert Generation.objects.count() == 1


@pytest.mark.parametrize("name", ["", "x" * 256, "clé", "a\tb"])
def test_a_key_that_cannot_be_one_is_refused(alice: Customer, name: str) -> None:
    refused = submit(alice, stage.body(stage.upload(alice)), name=name)

    assert refused.status_code == 400
    assert "Idempotency-Key" in refused.json()["message"]
    assert not Generation.objects.exists()


def test_after_a_day_the_key_is_free_again(alice: Customer) -> None:
    body = stage.body(stage.upload(alice))
    first = submit(alice, body)
    KeptAnswer.objects.update(created_at=timezone.now() - idempotency.KEPT - timedelta(seconds=1))

    second = submit(alice, body)

    assert second.json()["data"]["id"] != first.json()["data"]["id"]
    assert Generation.objects.count() == 2


def test_old_keys_are_forgotten_and_young_ones_kept(alice: Customer) -> None:
    body = stage.body(stage.upload(alice))
    submit(alice, body, name="old")
    KeptAnswer.objects.update(created_at=timezone.now() - idempotency.KEPT - timedelta(seconds=1))
    submit(alice, body, name="young")

    planned = import_module("generations.migrations.0005_kept_answers")
    planned.plan(apps, None)
    schedule = Schedule.objects.get(name=planned.NAME)
    assert import_string(schedule.func)() == "1 keys forgotten"

    assert [kept.name for kept in KeptAnswer.objects.all()] == ["young"]


def test_in_sync_mode_the_repetition_waits_for_the_same_job(
    alice: Customer, settle: Callable[[], None]
) -> None:
    body = stage.body(stage.upload(alice), prompt="[fail]")
    first = submit(alice, body)
    settle()

    body["enable_sync_mode"] = True
    again = submit(alice, body)

    assert again.json()["data"]["id"] == first.json()["data"]["id"]
    assert again.json()["data"]["status"] == "failed"


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_make_one_job_one_hold_and_fifty_equal_answers() -> None:
    dora = cast.customer("dora", "25")
    body = stage.body(stage.upload(dora))
    start = threading.Barrier(PARALLEL)

    def post(_: int) -> tuple[int, Any]:
        start.wait()
        try:
            answer = submit(dora, body)
            return answer.status_code, answer.json()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(PARALLEL) as clients:
        answers = list(clients.map(post, range(PARALLEL)))

    assert [code for code, _ in answers] == [200] * PARALLEL
    assert all(answer == answers[0][1] for _, answer in answers)
    assert Generation.objects.count() == Hold.objects.count() == KeptAnswer.objects.count() == 1
