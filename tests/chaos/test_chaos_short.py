"""The short form of `make chaos`: a minute of faults, and each part killed once."""

import subprocess
import sys
from collections.abc import Callable

from config.settings import BASE_DIR

SEED = 11
SECONDS_MAX = 280


def test_nothing_is_lost_or_paid_twice_while_everything_dies_and_every_fifth_call_fails(
    record_property: Callable[[str, object], None],
) -> None:
    # The command itself, because what it starts must not inherit a test's settings. It works in
    # a folder of its own: PostgreSQL runs as another user, whom pytest's folders keep out.
    command = [sys.executable, "-m", "tests.chaos", "--short", "--seed", str(SEED)]
    with subprocess.Popen(
        command,
        cwd=BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as chaos:
        try:
            said, _ = chaos.communicate(timeout=SECONDS_MAX)
        finally:
            chaos.terminate()
    record_property("figure", next((line for line in said.splitlines() if " kills, " in line), ""))
    assert chaos.returncode == 0, said
