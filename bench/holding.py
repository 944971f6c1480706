"""One process that holds credit as fast as it can: a part of bench_holds, not run by hand."""

import sys
import time
import uuid

from accounts.models import Account
from billing import ledger

PRICE = 700_000


def main() -> None:
    """Hold for argv[1] seconds over the accounts that stdin names; print how many there were.

    A line "go" starts the clock, so that several processes hold at the same time.
    """
    seconds = float(sys.argv[1])
    names = iter(sys.stdin.readline, "\n")
    accounts = [Account(pk=uuid.UUID(name.strip())) for name in names]
    ledger.hold(accounts[0], PRICE, reference=uuid.uuid4().hex)
    print("ready", flush=True)
    sys.stdin.readline()
    held, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        ledger.hold(accounts[held % len(accounts)], PRICE, reference=uuid.uuid4().hex)
        held += 1
    print(held, flush=True)
