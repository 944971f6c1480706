"""Change the money code in one place at a time and see that a test notices: `make mutation`.

Prints the share of mutants that were killed, a line for each file, and the change that each
survivor made; ends with 1 below SHARE_MIN. `resume` as the argument goes on with a run that was
cut off; names of mutants try only those again. Which files and tests: [tool.mutmut] in
pyproject.toml.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from config.embedded import server

SHARE_MIN = 0.90
PROCESSES = ("--max-children", "2")
WORK = Path("mutants")
# How a test process ends, as mutmut writes it down: 1 and 3 are pytest's failures, the rest the
# signals of a mutant that ran past its time.
FAILED = {1, 3}
OUT_OF_TIME = {-24, 24, 152, 255, 36}
KILLED = FAILED | OUT_OF_TIME
# The ledger's walk is the same each time: a share that changes by luck tells nothing.
WALK = {"LEDGER_STEPS": "200", "LEDGER_SEED": "1"}


def main(names: list[str]) -> int:
    """Run mutmut on a PostgreSQL of its own and print what it found; the exit code."""
    resume = names == ["resume"]
    names = [] if resume else names
    if not names and not resume:
        shutil.rmtree(WORK, ignore_errors=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as data:
        folder = Path(data) / "postgres"
        # Asking makes us a user: the server stays until we end, not only until a mutant does.
        hurry(server.address(folder))
        environment = {**os.environ, **WALK, "GALLOP_DATA": data}
        environment |= {"DATABASE_URL": "", "DATABASE_TEMPLATE": server.DATABASE_NAME}
        for step in ("migrate", "createcachetable"):
            command = [sys.executable, "manage.py", step, "-v0"]
            subprocess.run(command, env=environment, check=True)
        if not names:
            # Most mutants die here, without a second process to wait for.
            mutmut("run", *PROCESSES, environment=environment | {"WITHOUT_SANDBOX": "1"})
        mutmut("run", *PROCESSES, *(names or survivors()), environment=environment)
    return report()


def mutmut(*words: str, environment: dict[str, str] | None = None) -> None:
    """Run a command of mutmut's. Raises CalledProcessError, for example when a test fails."""
    subprocess.run([Path(sys.executable).with_name("mutmut"), *words], env=environment, check=True)


def hurry(host: str) -> None:
    """Let the server forget what a power cut would take: its data is thrown away in the end."""
    with psycopg.connect(host=host, user="postgres", autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


def endings() -> dict[str, dict[str, int | None]]:
    """Return for each file how the tests of each mutant ended."""
    return {
        str(findings.relative_to(WORK)).removesuffix(".meta"): json.loads(findings.read_text())[
            "exit_code_by_key"
        ]
        for findings in sorted(WORK.rglob("*.meta"))
    }


def survivors() -> list[str]:
    """Return the names of the mutants that nothing has killed."""
    return [
        name
        for of_file in endings().values()
        for name, ending in of_file.items()
        if ending not in KILLED
    ]


def report() -> int:
    """Print the survivors' changes and the shares; 1 when too many survived."""
    alive = survivors()
    for name in alive:
        mutmut("show", name)
    killed = total = 0
    for file, of_file in endings().items():
        dead = sum(ending in KILLED for ending in of_file.values())
        # Told apart: on a busy machine a mutant may run out of time that no test would fail.
        late = sum(ending in OUT_OF_TIME for ending in of_file.values())
        share = f"{dead / len(of_file):.1%}, {late} of them by time"
        print(f"{file}: {dead} of {len(of_file)} killed, {share}")
        killed, total = killed + dead, total + len(of_file)
    print(f"all: {killed} of {total} killed, {killed / total:.1%}")
    return int(killed < SHARE_MIN * total)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
