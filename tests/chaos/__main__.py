"""`make chaos [SEED=…] [JOBS=…] [KILLS=…]`: the long form; prints a report, exit 1 if broken."""

import argparse
import secrets
import shutil
import signal
import sys
from pathlib import Path

from tests.chaos import house
from tests.chaos.run import Plan, folder, run

JOBS, KILLS, GAP_SECONDS = 1000, 32, 15.0
PATIENCE_SECONDS = 900.0
JOBS_SHORT, KILLS_SHORT, GAP_SECONDS_SHORT = 30, 4, 3.0
PATIENCE_SECONDS_SHORT = 120.0
SEED_MAX = 1_000_000


def main() -> None:
    """Run, report, and keep the logs where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a minute instead of many")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(SEED_MAX))
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--gap", type=float, help="seconds between kills")
    parser.add_argument("--data", type=Path, help="where to work; kept afterwards")
    asked = parser.parse_args()
    # Ends through the finally blocks, so that nothing is left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    data = asked.data or folder()
    print(f"seed {asked.seed}; logs below {data}", flush=True)
    report = run(_plan(asked), data)
    print("\n".join(report.lines()))
    if report.verdict.violations:
        sys.exit(1)
    if not asked.data:
        shutil.rmtree(data, ignore_errors=True)


def _plan(asked: argparse.Namespace) -> Plan:
    usual = (JOBS, KILLS, GAP_SECONDS, PATIENCE_SECONDS, house.PATIENCE)
    short = (JOBS_SHORT, KILLS_SHORT, GAP_SECONDS_SHORT, PATIENCE_SECONDS_SHORT, house.HURRY)
    jobs, kills, gap, patience_seconds, patience = short if asked.short else usual
    return Plan(
        seed=asked.seed,
        jobs=asked.jobs or jobs,
        kills=kills if asked.kills is None else asked.kills,
        gap_seconds=asked.gap or gap,
        patience_seconds=patience_seconds,
        patience=patience,
    )


if __name__ == "__main__":
    main()
