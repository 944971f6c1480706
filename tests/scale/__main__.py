"""`make scale [SEED=…] [JOBS=…]`: prints figures, exit 1 when something was lost or doubled."""

import argparse
import secrets
import shutil
import signal
import sys
from pathlib import Path

from tests.chaos.house import CREDIT_DOLLARS, CUSTOMERS
from tests.scale.run import FLOOD_WIDTH, Plan, folder, run

JOBS = 240
FLOOD = 500
PER_SECOND = 1.0
# As long as the shortest of real films takes at best.
JOB_SECONDS = 5.0
# A job whose worker died in the middle of the POST waits for ABSENCE_SECONDS among others.
PATIENCE_SECONDS = 900.0
SEED_MAX = 1_000_000
PRICE_CENTS = 42


def main() -> None:
    """Run, report, and keep the logs where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(SEED_MAX))
    parser.add_argument("--jobs", type=int, default=JOBS, help="films, asked for one by one")
    parser.add_argument("--flood", type=int, default=FLOOD, help="jobs without a film before them")
    parser.add_argument("--per-second", type=float, default=PER_SECOND, help="films asked for")
    parser.add_argument("--data", type=Path, help="where to work; kept afterwards")
    asked = parser.parse_args()
    most = CUSTOMERS * CREDIT_DOLLARS * 100 // PRICE_CENTS - FLOOD_WIDTH
    if not (1 < asked.jobs <= most and 0 < asked.flood <= most and asked.per_second > 0):
        parser.error(f"--jobs and --flood may be up to {most}: that is what the credit pays")
    # Ends through the finally blocks, so that nothing is left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    data = asked.data or folder()
    data.mkdir(parents=True, exist_ok=True)
    print(f"seed {asked.seed}; logs below {data}", flush=True)
    plan = Plan(
        asked.seed, asked.jobs, asked.flood, asked.per_second, JOB_SECONDS, PATIENCE_SECONDS
    )
    report = run(plan, data)
    print("\n".join(report.lines()))
    if report.violations:
        sys.exit(1)
    if not asked.data:
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
