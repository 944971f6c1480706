"""`make schemathesis [SEED=…] [EXAMPLES=250]`: every phase and check against a live site."""

import argparse
import secrets
import sys

from tests.contract.run import stage

EXAMPLES = 250
CASES_MIN = 5_000
SEED_MAX = 1_000_000


def main() -> None:
    """Run, print what was found, and exit 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(SEED_MAX))
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="cases for each call")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with stage() as site:
        found = site.run(asked.seed, "--max-examples", str(asked.examples))
        books = site.house.audit()
    print(found.said)
    print(f"seed {asked.seed}: {found.summary()}; books {books}")
    few = asked.examples >= EXAMPLES and found.cases < CASES_MIN
    if few:
        print(f"fewer than {CASES_MIN} cases")
    sys.exit(1 if few or found.exit_code or found.broken else 0)


if __name__ == "__main__":
    main()
