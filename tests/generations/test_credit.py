"""Nobody spends what they do not have, however many ask at once."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django_q.models import OrmQ

from billing.models import Hold, LedgerAccount
from generations.models import Generation
from tests import cast
from tests.cast import Customer
from tests.generations.stage import MODEL, body, upload

AT_ONCE = 50
AFFORDABLE = 10


def figures(answer: Any) -> dict[str, float]:
    """Return what a refusal tells a program, apart from the request's own id."""
    return {name: value for name, value in answer.json()["data"].items() if name != "request_id"}


def test_without_credit_the_answer_is_402_with_every_figure(bob: Customer) -> None:
    answer = bob.post(MODEL, body(upload(bob), resolution="1080p", duration=5))

    assert answer.status_code == 402
    assert answer.json()["code"] == 402
    assert figures(answer) == {"price": 0.945, "balance": 0.0, "missing": 0.945}
    message = answer.json()["message"]
    assert "costs $0.945 and you have $0.00" in message
    assert "/billing" in message
    assert "You were not charged" in message


def test_a_refusal_for_credit_leaves_no_trace(bob: Customer) -> None:
    bob.post(MODEL, body(upload(bob)))

    assert not Generation.objects.exists()
    assert not Hold.objects.exists()
    assert not OrmQ.objects.exists()


def test_what_running_jobs_hold_cannot_be_spent_twice(charlie: Customer) -> None:
    picture = upload(charlie)
    assert charlie.post(MODEL, body(picture, duration=15)).status_code == 200
    assert charlie.post(MODEL, body(picture, duration=15)).status_code == 200

    answer = charlie.post(MODEL, body(picture, duration=15))

    assert answer.status_code == 402
    assert figures(answer) == {"price": 2.1, "balance": 0.8, "missing": 1.3}
    assert charlie.balance_micros == 5_000_000


@pytest.mark.django_db
def test_the_last_cent_can_be_spent() -> None:
    dora = cast.customer("dora", "0.42")

    assert dora.post(MODEL, body(upload(dora))).status_code == 200

    assert dora.available_micros == 0


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_get_exactly_what_the_credit_pays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dora = cast.customer("dora", "4.20")
    wanted = json.dumps(body(upload(dora)))
    start = threading.Barrier(AT_ONCE)

    def submit(_: int) -> int:
        start.wait()
        try:
            return (
                Client()
                .post(MODEL, wanted, content_type="application/json", headers=dora.bearer)
                .status_code
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        answers = Counter(crowd.map(submit, range(AT_ONCE)))

    assert answers == {200: AFFORDABLE, 402: AT_ONCE - AFFORDABLE}
    assert Generation.objects.count() == Hold.objects.count() == AFFORDABLE
    assert OrmQ.objects.count() == AFFORDABLE
    book = LedgerAccount.objects.get(account=dora.account)
    assert (book.balance_micros, book.held_micros) == (4_200_000, 4_200_000)
    call_command("audit")
    assert json.loads(capsys.readouterr().out)["ok"] is True
