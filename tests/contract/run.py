"""Runs Schemathesis against a live site with rich accounts, and reads what it found."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.settings import BASE_DIR
from tests import house

CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
HOOKS = "tests.contract.hooks"
# The variable by which the hooks learn how many requests may wait for their film.
WAITING_MAX = "CONTRACT_WAITING_MAX"
# Nobody ever pays so much for films of the sandbox.
DOLLARS = "1000000"
# Two accounts, neither of which may see what is the other's.
PEERS = ("dora", "emil")
# Films are drawn on this machine: one at a time leaves it to the requests, the others wait.
SETTINGS = {"SANDBOX_JOB_SECONDS": "0", "WAVESPEED_CONCURRENCY": "1"}
NO_ANSWER = 0


@dataclass
class Outcome:
    """What a run found: the statuses it met, and what was wrong.

    `statuses` counts the answers by call and status, such as ("GET /api/v3/key", 200).
    """

    exit_code: int
    said: str
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def cases(self) -> int:
        """How many requests were judged."""
        return self.statuses.total()

    @property
    def broken(self) -> int:
        """How many answers were 5xx, or none at all."""
        bad = (count for (_, status), count in self.statuses.items() if not 200 <= status < 500)
        return sum(bad)

    def summary(self) -> str:
        """Return the figures in one line."""
        by_status: Counter[int] = Counter()
        for (_, status), count in self.statuses.items():
            by_status[status] += count
        met = ", ".join(f"{status}: {count}" for status, count in sorted(by_status.items()))
        return f"{self.cases} cases; answers {met}; exit {self.exit_code}"


@dataclass
class Stage:
    """A running site, and a folder with the configuration that knows its keys."""

    house: house.House
    folder: Path

    def run(self, seed: int, *choices: str, waiting: int = 1) -> Outcome:
        """Run with these choices on the command line, and read the report.

        `waiting` is how many requests may wait for their film.
        """
        report = self.folder / "cases.ndjson"
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file"),
            *(str(self.folder / CONFIGURATION.name), "run", f"{self.house.url}/api/schema"),
            *("--seed", str(seed), "--report", "ndjson", "--report-ndjson-path", str(report)),
            *choices,
        ]
        knows = {"SCHEMATHESIS_HOOKS": HOOKS, WAITING_MAX: str(waiting)}
        done = subprocess.run(
            command,
            cwd=BASE_DIR,
            env={**os.environ, "PYTHONPATH": str(BASE_DIR), **knows},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Outcome(done.returncode, done.stdout, _statuses(report))


@contextmanager
def stage() -> Iterator[Stage]:
    """The site as `make run` starts it."""
    # Not pytest's own folder: that is closed to the user that PostgreSQL runs as under root.
    with (
        tempfile.TemporaryDirectory() as data,
        tempfile.TemporaryDirectory() as folder,
        house.running(Path(data), **SETTINGS) as running,
    ):
        _configure(running, Path(folder))
        yield Stage(running, Path(folder))


def _configure(running: house.House, folder: Path) -> None:
    """Write the configuration, with the keys of the accounts."""
    known = folder / "keys.json"
    known.write_text(json.dumps({"auth": [_identity(running, name) for name in PEERS]}))
    of_keys = f"\n[auth.wfc]\npath = {json.dumps(str(known))}\npeers = {json.dumps(PEERS)}\n"
    (folder / CONFIGURATION.name).write_text(CONFIGURATION.read_text() + of_keys)


def _identity(running: house.House, name: str) -> dict[str, Any]:
    said = running.manage("open_account", f"{name}@example.org", "--credit", DOLLARS)
    bearer = f"Bearer {json.loads(said)['api_key']}"
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": bearer}]}


def _statuses(report: Path) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    with report.open() as lines:
        for line in lines:
            scenario = json.loads(line).get("ScenarioFinished")
            if scenario:
                found.update(_answers(scenario["recorder"]))
    return found


def _answers(recorder: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for name, case in recorder.get("cases", {}).items():
        made = recorder.get("interactions", {}).get(name, {})
        status = (made.get("response") or {}).get("status_code", NO_ANSWER)
        yield f"{case['value']['method']} {case['value']['path']}", status
