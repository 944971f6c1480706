"""`manage.py audit`: one line that says whether jobs and money agree, and what does not."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from billing import ledger
from billing.models import Hold, LedgerAccount
from generations import failures, lifecycle
from generations.models import Generation
from tests import cast
from tests.cast import Customer
from tests.generations import stage


@pytest.fixture
def audit(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command and return its line; a fault must exit with 1, and only a fault."""

    def run() -> dict[str, Any]:
        capsys.readouterr()
        try:
            call_command("audit")
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        [line] = capsys.readouterr().out.splitlines()
        found: dict[str, Any] = json.loads(line)
        assert found["ok"] is (code == 0) is (found["faults"] == [])
        return found

    return run


def operator(**sums: str) -> dict[str, str]:
    """Return the operator's accounts, empty but for these sums."""
    codes = [code for code in LedgerAccount.Code if code not in ledger.TEST]
    return {code: sums.get(code, "0.00") for code in codes}


NOBODY_TESTS = {
    "customers": 0,
    "balance": "0.00",
    "held": "0.00",
    "operator": {"test_credit": "0.00", "test_revenue": "0.00"},
}


@pytest.mark.usefixtures("finished")
def test_jobs_in_every_status_add_up(alice: Customer, audit: Any) -> None:
    stage.job(alice)
    stage.processing(alice)
    lifecycle.fail(stage.job(alice), failures.NO_PLACE)

    assert audit() == {
        "ok": True,
        "transfers": 2,
        "customers": 1,
        "balance": "24.58",
        "held": "0.84",
        "receivable": "0.00",
        "operator": operator(revenue="0.42", promotions="-25.00"),
        "test": NOBODY_TESTS,
        "faults": [],
    }


@pytest.mark.django_db
def test_with_nothing_there_everything_adds_up(audit: Any) -> None:
    assert audit()["ok"] is True


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction_it_reads_one_snapshot(audit: Any) -> None:
    stage.job(cast.customer("dora", "5"))

    assert audit() == {
        "ok": True,
        "transfers": 1,
        "customers": 1,
        "balance": "5.00",
        "held": "0.42",
        "receivable": "0.00",
        "operator": operator(promotions="-5.00"),
        "test": NOBODY_TESTS,
        "faults": [],
    }


def test_a_finished_job_that_was_not_charged_is_named(alice: Customer, audit: Any) -> None:
    job = stage.processing(alice)
    Generation.objects.update(status="completed", video="a.mp4", finished_at=timezone.now())

    assert audit()["faults"] == [
        f"{job.hold_reference} is completed, but has no captured hold of 420000"
    ]


def test_a_failed_job_that_keeps_its_credit_is_named(alice: Customer, audit: Any) -> None:
    job = stage.job(alice)
    Generation.objects.update(status="failed", error="Because.", finished_at=timezone.now())

    assert audit()["faults"] == [
        f"{job.hold_reference} is failed, but has no released hold of 420000"
    ]


@pytest.mark.parametrize("settle", [ledger.capture, ledger.release])
def test_a_running_job_whose_hold_was_settled_is_named(
    settle: Any, alice: Customer, audit: Any
) -> None:
    job = stage.processing(alice)
    settle(job.hold_reference)

    assert audit()["faults"] == [
        f"{job.hold_reference} is processing, but has no held hold of 420000"
    ]


def test_a_job_that_holds_another_price_is_named_from_both_sides(
    alice: Customer, audit: Any
) -> None:
    job = stage.job(alice)
    Generation.objects.update(price_micros=420_001)

    assert audit()["faults"] == [
        f"{job.hold_reference} is created, but has no held hold of 420001",
        f"hold {job.hold_reference} of 420000 has no job",
    ]


def test_a_hold_without_a_job_is_named(alice: Customer, audit: Any) -> None:
    ledger.hold(alice.account, 1_000, reference="generation:lost")

    assert audit()["faults"] == ["hold generation:lost of 1000 has no job"]


def test_a_job_without_a_hold_is_named(alice: Customer, audit: Any) -> None:
    job = stage.job(alice)
    Hold.objects.all().delete()
    LedgerAccount.objects.update(held_micros=0)

    assert audit()["faults"] == [f"{job.hold_reference} is created, but has no held hold of 420000"]


def test_a_balance_that_is_not_the_sum_is_named(alice: Customer, audit: Any) -> None:
    LedgerAccount.objects.filter(account=alice.account).update(balance_micros=26_000_000)

    [fault] = audit()["faults"]
    assert "balance 26000000, transfers 25000000" in fault
