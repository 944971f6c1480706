"""The end of a job is told to the customer's servers, in the transaction that ends it."""

import json
from typing import Any
from unittest.mock import ANY
from urllib.parse import quote

import httpx
import pytest
from django.db import transaction
from django.test import Client
from django_q.models import OrmQ
from pytest_django import Settings

from accounts import webhook_secrets, webhooks
from accounts.models import Event, WebhookDelivery
from generations import failures, lifecycle, wakeups
from generations.models import Generation
from tests.accounts import hooks
from tests.cast import Customer
from tests.generations import stage
from tests.web import Page, Web

ADDRESS = "https://example.com/hook"


def told() -> list[Any]:
    """Return the bodies that were announced, oldest first."""
    return [json.loads(one.body) for one in WebhookDelivery.objects.order_by("id")]


def result(customer: Customer, job: Generation) -> Any:
    return customer.get(f"/api/v3/predictions/{job.id.hex}/result").json()["data"]


def unsigned(prediction: Any) -> Any:
    """Return a prediction with its address cut before the signature, which tells the time."""
    cut = [address.partition("?")[0] for address in prediction["outputs"]]
    return {**prediction, "outputs": cut}


def submit(customer: Customer, webhook: str) -> Any:
    body = stage.body(stage.upload(customer))
    return customer.post(f"{stage.MODEL}?webhook={quote(webhook, safe='')}", body)


def test_a_failed_job_is_told_as_the_api_tells_it(alice: Customer) -> None:
    webhooks.add(alice.account, ADDRESS, [Event.FAILED])
    job = stage.job(alice)
    lifecycle.fail(job, failures.NO_PLACE)
    assert told() == [{"type": "generation.failed", "timestamp": ANY, "data": result(alice, job)}]
    assert WebhookDelivery.objects.get().subject == job.id.hex


def test_a_finished_job_is_told_with_an_address_that_opens_without_a_key(
    alice: Customer, request: pytest.FixtureRequest, settings: Settings
) -> None:
    webhooks.add(alice.account, ADDRESS, [Event.COMPLETED])
    finished = request.getfixturevalue("finished")
    (body,) = told()
    assert body["type"] == "generation.completed"
    assert unsigned(body["data"]) == unsigned(result(alice, finished))
    (address,) = body["data"]["outputs"]
    path = address.removeprefix(settings.PUBLIC_URL)
    assert stage.get(Client(), path).status == 200


def test_a_request_that_names_an_address_has_it_told_the_bare_prediction(alice: Customer) -> None:
    webhooks.add(alice.account, ADDRESS, [Event.FAILED])
    answer = submit(alice, "https://example.com/of-this-job?a=1&b=2")
    assert answer.status_code == 200
    job = Generation.objects.get()
    assert job.webhook == "https://example.com/of-this-job?a=1&b=2"
    lifecycle.fail(job, failures.NO_PLACE)
    wrapped, bare = told()
    assert bare == wrapped["data"] == result(alice, job)
    assert list(bare) == list(result(alice, job))


def test_the_end_is_told_once(alice: Customer) -> None:
    webhooks.add(alice.account, ADDRESS, [Event.FAILED])
    job = stage.job(alice)
    assert [lifecycle.fail(job, failures.NO_PLACE) for _ in "12"] == [True, False]
    assert len(told()) == 1


def test_an_end_that_is_undone_is_not_told(alice: Customer) -> None:
    webhooks.add(alice.account, ADDRESS, [Event.FAILED])
    job = stage.job(alice)
    with transaction.atomic():
        lifecycle.fail(job, failures.NO_PLACE)
        transaction.set_rollback(True)
    assert told() == []


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://example.com/", "must begin with https://"),
        ("https://10.0.0.1:6379/", "ordinary port"),
        ("not an address", "full address"),
        ("https://example.com/" + "x" * 2048, "longer than 2048"),
    ],
)
def test_an_address_that_cannot_be_told_is_refused_before_anything_is_held(
    alice: Customer, address: str, says: str
) -> None:
    answer = submit(alice, address)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert answer.json()["message"].startswith('parameter "webhook": ')
    assert says in answer.json()["message"]
    assert not Generation.objects.exists()
    assert alice.available_micros == alice.balance_micros


def test_a_private_host_that_the_settings_name_may_be_told(
    alice: Customer, settings: Settings
) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = {"127.0.0.1:9"}
    assert submit(alice, "http://127.0.0.1:9/").status_code == 200
    assert submit(alice, "http://127.0.0.1:10/").status_code == 400


def test_no_address_is_no_webhook(alice: Customer) -> None:
    assert submit(alice, "").status_code == 200
    lifecycle.fail(Generation.objects.get(), failures.NO_PLACE)
    assert told() == []


def test_from_the_request_to_the_receiver(alice: Customer, web: Web) -> None:
    submit(alice, web.put("/mine", Page(status=200)))
    lifecycle.fail(Generation.objects.get(), failures.NO_PLACE)
    assert hooks.send() == 1
    body = hooks.verified(web, webhook_secrets.of_account(alice.account))
    assert body["status"] == "failed"
    assert httpx.URL(web.url(web.asked[0])).path == "/mine"


def test_something_to_send_seats_a_driver_where_none_is(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = webhooks.add(alice.account, ADDRESS, [Event.FAILED])
    monkeypatch.setattr(wakeups._Memory, "seated", 0.0)
    OrmQ.objects.all().delete()
    webhooks.send_test(endpoint)
    assert OrmQ.objects.count() == 1
