"""Holds per second beside pgbench with the same statements, in turns on the same server."""

import os
import random
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import Account
from bench import pgbench
from billing import ledger, sums
from billing.models import LedgerAccount, Transfer

ROUNDS = 3
SECONDS = 4
CLIENTS = 4
ACCOUNTS = 1000
CREDIT = 10**12
START = "import django; django.setup(); from bench.holding import main; main()"
# What the ledger's function does, sent as the plain statements of one transaction.
SCRIPT = """
\\set place random(0, {last})
BEGIN;
UPDATE billing_ledgeraccount SET held_micros = held_micros + 700000
    WHERE id = {first} + :place AND NOT frozen AND balance_micros >= held_micros + 700000;
INSERT INTO billing_hold (ledger_account_id, amount_micros, reference, memo, state, created_at)
    VALUES ({first} + :place, 700000, gen_random_uuid(), '', 'held', now());
COMMIT;
"""


def open_accounts(count: int) -> list[Account]:
    """Make accounts with credit, their ledger rows in one unbroken run of ids."""
    accounts = Account.objects.bulk_create(Account(name=f"bench {n}") for n in range(count))
    LedgerAccount.objects.bulk_create(LedgerAccount(account=account) for account in accounts)
    for account in accounts:
        ledger.deposit(
            account,
            CREDIT,
            source=LedgerAccount.Code.PROMOTIONS,
            kind=Transfer.Kind.PROMOTION,
            reference=str(account.pk),
        )
    return accounts


def our_rate(accounts: list[Account]) -> float:
    """Return holds per second of as many processes as pgbench has clients."""
    host, name = connection.get_connection_params()["host"], settings.DATABASES["default"]["NAME"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"postgres:///{host}/{name}",
        "PGUSER": "postgres",
    }
    processes = []
    for _ in range(CLIENTS):
        process = subprocess.Popen(
            [sys.executable, "-c", START, str(SECONDS)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        keys = [str(account.pk) for account in random.sample(accounts, len(accounts))]
        _tell(process, "\n".join([*keys, "\n"]))
        processes.append(process)
    for process in processes:
        assert _heard(process) == "ready"
    for process in processes:
        _tell(process, "go\n")
    held = sum(int(_heard(process)) for process in processes)
    for process in processes:
        process.communicate()
    return held / SECONDS


def _tell(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()


def _heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def pgbench_rate(accounts: list[Account], folder: Path) -> float:
    """Return pgbench's transactions per second with the same statements and clients."""
    first = LedgerAccount.objects.get(account=accounts[0]).pk
    script = folder / "hold.sql"
    script.write_text(SCRIPT.format(first=first, last=len(accounts) - 1))
    return pgbench.rate(script, CLIENTS, SECONDS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("count", "least"), [(ACCOUNTS, 0.50), (1, 0.60)])
def bench_holds(
    count: int, least: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Print our rate beside pgbench's; the share must reach what was promised."""
    accounts = open_accounts(count)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(our_rate(accounts))
        theirs.append(pgbench_rate(accounts, tmp_path))
    share = statistics.median(ours) / statistics.median(theirs)
    with capsys.disabled():
        print(
            f"\nholds over {count} account(s), {CLIENTS} connections: ledger "
            f"{statistics.median(ours):.0f}/s, pgbench {statistics.median(theirs):.0f}/s, "
            f"ratio {share:.2f} (medians of {ROUNDS} rounds of {SECONDS} s, in turns)"
        )
    assert sums.audit().faults == []
    assert share >= least
