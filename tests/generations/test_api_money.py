"""Bills and usage as programs ask for them: the sums of the ledger, to the last digit."""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Hold, LedgerAccount, Transfer
from generations import disposal, lifecycle
from generations.models import Generation
from generations.storage import Film
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import fresh

BILLS = "/api/v3/billings/search"
USAGE = "/api/v3/user/usage_stats"
DAY = datetime(2026, 10, 1, 23, 59, 59, 999_999, tzinfo=UTC)


def ask(customer: Customer, path: str, **asked: Any) -> dict[str, Any]:
    """Return the data of the answer, its fractions as decimals."""
    answer = customer.post(path, asked)
    assert answer.status_code == 200, answer.content
    body = json.loads(answer.content, parse_float=Decimal)
    assert set(body) == {"code", "message", "data"}
    data: dict[str, Any] = body["data"]
    return data


def bills(customer: Customer, **asked: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ask(customer, BILLS, **asked)["items"]
    return items


def micros(dollars: Any) -> int:
    """Return what a JSON number says in micro-dollars; it must be a whole number of them."""
    exact = Decimal(dollars) * 1_000_000
    assert exact == exact.to_integral_value()
    return int(exact)


@pytest.fixture
def waiting(alice: Customer) -> Generation:
    """Alice's job of $0.567 that waits."""
    return stage.job(alice, resolution="1080p", duration=3)


@pytest.fixture
def failed(alice: Customer) -> Generation:
    """Alice's job of $0.42 that was cancelled."""
    job = stage.job(alice)
    assert lifecycle.cancel(job)
    return fresh(job)


@pytest.fixture
def short(finished: Generation, alice: Customer) -> Generation:
    """Alice's finished film of 3 s that was to have 5."""
    job = stage.job(alice, duration=5)
    assert lifecycle.start_submit(job, "https://pictures.test/short.jpg")
    assert lifecycle.accept(job, "short", timedelta())
    facts = {field.name: getattr(finished, field.name) for field in fields(Film)}
    assert lifecycle.finish(job, Film(**{**facts, "duration_ms": 3000}))
    return fresh(job)


def test_a_waiting_job_is_deducted_for_the_time_being(waiting: Generation, alice: Customer) -> None:
    data = ask(alice, BILLS)

    assert (data["page"], data["total"], set(data)) == (1, 1, {"page", "total", "items"})
    [bill] = data["items"]
    assert set(bill) == {"uuid", "billing_type", "price", "created_at", "order", "prediction"}
    assert len(bill["uuid"]) == 32
    assert (bill["billing_type"], bill["price"]) == ("deduct", Decimal("0.567"))
    assert bill["order"] == {"state": "pre"}
    assert bill["prediction"] == {"uuid": waiting.id.hex, "status": "created"}
    assert bill["created_at"].endswith("Z")


def test_a_failed_job_is_deducted_and_refunded_in_full(failed: Generation, alice: Customer) -> None:
    [refund, deduction] = bills(alice)

    assert (refund["billing_type"], deduction["billing_type"]) == ("refund", "deduct")
    assert refund["price"] == deduction["price"] == Decimal("0.42")
    assert refund["order"] == deduction["order"] == {"state": "done"}
    assert refund["prediction"] == {"uuid": failed.id.hex, "status": "failed"}
    assert refund["uuid"] != deduction["uuid"]


def test_a_finished_job_is_deducted_once(finished: Generation, alice: Customer) -> None:
    [bill] = bills(alice)

    assert (bill["billing_type"], bill["order"]) == ("deduct", {"state": "done"})
    assert bill["prediction"] == {"uuid": finished.id.hex, "status": "completed"}


def test_missing_seconds_are_refunded(short: Generation, alice: Customer) -> None:
    [refund, deduction] = bills(alice, prediction_uuids=[short.id.hex])

    assert (refund["billing_type"], refund["price"]) == ("refund", Decimal("0.28"))
    assert (deduction["billing_type"], deduction["price"]) == ("deduct", Decimal("0.7"))


def test_all_rows_together_are_what_the_ledger_says(
    short: Generation, failed: Generation, waiting: Generation, alice: Customer
) -> None:
    rows = bills(alice)
    sums = {
        sort: sum(micros(row["price"]) for row in rows if row["billing_type"] == sort)
        for sort in ("deduct", "refund")
    }

    book = LedgerAccount.objects.get(account=alice.account)
    spent = 25_000_000 - book.available_micros
    assert sums["deduct"] - sums["refund"] == spent == 420_000 + 420_000 + 567_000
    running = [row for row in rows if row["order"]["state"] == "pre"]
    assert sum(micros(row["price"]) for row in running) == book.held_micros


def test_a_row_keeps_its_name_and_the_newest_come_first(
    short: Generation, failed: Generation, alice: Customer
) -> None:
    once = bills(alice)

    assert [row["uuid"] for row in bills(alice)] == [row["uuid"] for row in once]
    assert len({row["uuid"] for row in once}) == len(once) == 5
    moments = [row["created_at"] for row in once]
    assert moments == sorted(moments, reverse=True)


def test_pages_together_show_each_row_once(
    failed: Generation, waiting: Generation, alice: Customer
) -> None:
    pages = [ask(alice, BILLS, page=page, page_size=2) for page in (1, 2, 3)]

    assert [page["total"] for page in pages] == [3, 3, 3]
    assert [len(page["items"]) for page in pages] == [2, 1, 0]
    assert len({row["uuid"] for page in pages for row in page["items"]}) == 3


@pytest.mark.parametrize(("sort", "count"), [("deduct", 2), ("refund", 1)])
def test_one_sort_is_shown_when_it_is_asked_for(
    failed: Generation, waiting: Generation, alice: Customer, sort: str, count: int
) -> None:
    data = ask(alice, BILLS, billing_type=sort)

    assert data["total"] == len(data["items"]) == count
    assert {row["billing_type"] for row in data["items"]} == {sort}


def test_the_rows_of_some_jobs_are_shown_when_they_are_asked_for(
    failed: Generation, waiting: Generation, alice: Customer
) -> None:
    assert len(bills(alice, prediction_uuids=[failed.id.hex])) == 2
    assert len(bills(alice, prediction_uuids=[str(waiting.id), "nonsense"])) == 1
    assert bills(alice, prediction_uuids=["nonsense"]) == []
    assert len(bills(alice, prediction_uuids=[])) == 3


def test_the_rows_of_a_time_are_shown_when_it_is_asked_for(
    failed: Generation, alice: Customer
) -> None:
    Hold.objects.update(created_at=DAY, settled_at=DAY + timedelta(hours=1))

    [deduction] = bills(alice, end_time="2026-10-01T23:59:59.999Z")
    [refund] = bills(alice, start_time="2026-10-02")

    assert deduction["created_at"] == "2026-10-01T23:59:59.999Z"
    assert (deduction["billing_type"], refund["billing_type"]) == ("deduct", "refund")
    assert len(bills(alice, start_time="2026-10-01", end_time="2026-10-03")) == 2


def test_a_bill_outlives_its_film(finished: Generation, alice: Customer) -> None:
    disposal.delete_generation(finished)

    [bill] = bills(alice)

    assert bill["prediction"] == {"uuid": finished.id.hex, "status": "deleted"}
    assert ask(alice, USAGE)["summary"]["total_cost"] == Decimal("0.42")


def test_usage_counts_requests_successes_and_what_was_paid(
    short: Generation, failed: Generation, waiting: Generation, alice: Customer
) -> None:
    data = ask(alice, USAGE)

    assert set(data) == {"per_model_usage", "daily_usage", "summary"}
    assert data["summary"] == {
        "total_cost": Decimal("0.84"),
        "total_requests": 4,
        "success_requests": 2,
    }
    [model] = data["per_model_usage"]
    assert model == {"model_uuid": "alibaba/happyhorse-1.1/image-to-video", **data["summary"]}
    assert sum(day["total_requests"] for day in data["daily_usage"]) == 4
    assert sum(micros(day["total_cost"]) for day in data["daily_usage"]) == 840_000


def test_what_was_paid_is_what_the_ledger_took(
    short: Generation, failed: Generation, waiting: Generation, alice: Customer
) -> None:
    taken = sum(one.amount_micros for one in Transfer.objects.filter(kind=Transfer.Kind.CAPTURE))
    back = sum(one.amount_micros for one in Transfer.objects.filter(kind=Transfer.Kind.SHORTFALL))

    assert micros(ask(alice, USAGE)["summary"]["total_cost"]) == taken - back


def test_a_day_is_a_day_in_utc(failed: Generation, waiting: Generation, alice: Customer) -> None:
    Generation.objects.filter(pk=failed.pk).update(created_at=DAY)
    Generation.objects.filter(pk=waiting.pk).update(created_at=DAY + timedelta(microseconds=1))

    data = ask(alice, USAGE, start_time="2026-10-01", end_time="2026-10-02T00:00:00Z")

    assert [day["date"] for day in data["daily_usage"]] == ["2026-10-01", "2026-10-02"]
    assert [day["total_requests"] for day in data["daily_usage"]] == [1, 1]
    assert ask(alice, USAGE, start_time="2026-10-02", end_time="2026-10-03")["summary"] == {
        "total_cost": 0,
        "total_requests": 1,
        "success_requests": 0,
    }


def test_one_model_is_shown_when_it_is_asked_for(waiting: Generation, alice: Customer) -> None:
    assert ask(alice, USAGE, model_uuid=waiting.model)["summary"]["total_requests"] == 1
    other = ask(alice, USAGE, model_uuid="alibaba/happyhorse-1.1/text-to-video")
    assert other["summary"]["total_requests"] == 0
    assert other["per_model_usage"] == other["daily_usage"] == []


def test_without_a_time_the_last_thirty_days_are_meant(
    failed: Generation, waiting: Generation, alice: Customer
) -> None:
    long_ago = timezone.now() - timedelta(days=30, minutes=1)
    Generation.objects.filter(pk=failed.pk).update(created_at=long_ago)

    assert ask(alice, USAGE)["summary"]["total_requests"] == 1
    days = ask(alice, USAGE, start_time=(long_ago - timedelta(minutes=1)).isoformat())
    assert days["summary"]["total_requests"] == 2


def test_others_see_no_bill_and_no_usage(
    finished: Generation, failed: Generation, charlie: Customer
) -> None:
    assert ask(charlie, BILLS) == {"page": 1, "total": 0, "items": []}
    assert bills(charlie, prediction_uuids=[finished.id.hex, failed.id.hex]) == []
    assert ask(charlie, USAGE)["summary"]["total_requests"] == 0


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (BILLS, {"billing_type": "debit"}, 'field "billing_type": "debit" is not a valid choice'),
        (BILLS, {"prediction_uuids": "abc"}, 'field "prediction_uuids": Expected a list'),
        (BILLS, {"prediction_uuids": ["x"] * 101}, "no more than 100 elements"),
        (BILLS, {"page_size": 1000}, "less than or equal to 100"),
        (BILLS, {"start": "2026-10-01"}, "is unknown; please use only: page, page_size"),
        (USAGE, {"start_time": "2025-01-01", "end_time": "2026-10-01"}, "at most 366 days"),
        (USAGE, {"start_time": "0002-01-01"}, "at most 366 days"),
        (USAGE, {"end_time": "0001-12-31"}, "must be a date such as"),
        (USAGE, {"end_time": "soon"}, "must be a date such as"),
        (USAGE, {"model_uuid": ["x"]}, "must be a string, got a list"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    alice: Customer, path: str, body: object, says: str
) -> None:
    answer = alice.post(path, body)

    assert answer.status_code == answer.json()["code"] == 400
    assert says in answer.json()["message"]
