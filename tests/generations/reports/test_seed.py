"""The made-up past is consistent, as large as it was asked for, and only ever in a sandbox."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import Account
from billing.models import Transfer
from generations.models import Generation
from generations.reports.models import UpstreamBill
from tests.generations.reports.conftest import JOBS


def test_the_audit_finds_no_fault_in_it(past: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert Generation.objects.count() == JOBS
    assert Generation.objects.filter(shortfall_micros__gt=0).exists()
    assert Generation.objects.filter(status="failed").exists()
    assert UpstreamBill.objects.filter(sort="refund").exists()
    call_command("audit")
    assert json.loads(capsys.readouterr().out)["ok"]


def test_every_kind_of_trouble_is_in_it(db: None) -> None:
    call_command("seed", jobs=3000, accounts=20, verbosity=0)
    kinds = set(Transfer.objects.values_list("kind", flat=True))
    assert {"purchase", "promotion", "capture", "shortfall", "refund", "dispute_won"} <= kinds
    call_command("audit")


def test_the_same_number_is_refused_and_another_is_not(past: None) -> None:
    with pytest.raises(CommandError, match="made before"):
        call_command("seed", jobs=10)
    call_command("seed", jobs=10, seed=2)
    assert Generation.objects.count() == JOBS + 10


def test_real_books_are_left_alone(db: None, settings: Settings) -> None:
    settings.SANDBOX = False
    with pytest.raises(CommandError, match="sandbox"):
        call_command("seed", jobs=10)
    assert not Account.objects.exists()


@pytest.mark.parametrize("wrong", [{"jobs": 0}, {"days": 0}, {"jobs": 10**9}])
def test_nonsense_is_refused(db: None, wrong: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match="number from 1"):
        call_command("seed", **wrong)
