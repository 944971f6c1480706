"""The site on one machine, part by part, so that each can be killed and started again."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx
import psutil

from tests.chaos.postgres import Postgres
from tests.pictures import draw

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS_MAX = 90
WATCH_SECONDS = 0.5
MANAGE = [sys.executable, "manage.py"]
CUSTOMERS = 4
CREDIT_DOLLARS = 150
# One process for everything: starting Django costs more than the work. Static files are left
# out: nobody here looks at a page.
PREPARE = (
    "import django; django.setup(); from django.core.management import call_command as run;"
    "run('migrate', verbosity=0); run('createcachetable', verbosity=0);"
    f"[run('open_account', f'horse{{n}}@gallop.example', credit='{CREDIT_DOLLARS}')"
    f" for n in range({CUSTOMERS})]"
)
# Patience short enough to see its end, and long enough for what the faults may delay.
PATIENCE = {
    "SANDBOX_JOB_SECONDS": "2",
    "UPSTREAM_READ_SECONDS": "4",
    "LEASE_SECONDS": "8",
    "ABSENCE_SECONDS": "15",
    "PATIENCE_WAITING_SECONDS": "1200",
    "PATIENCE_DOUBT_SECONDS": "120",
    "PATIENCE_RUNNING_SECONDS": "60",
    "PATIENCE_FETCHING_SECONDS": "60",
}
# The same for a run of a minute.
HURRY = {
    "SANDBOX_JOB_SECONDS": "1",
    "UPSTREAM_READ_SECONDS": "2",
    "LEASE_SECONDS": "4",
    "ABSENCE_SECONDS": "8",
    "PATIENCE_WAITING_SECONDS": "120",
    "PATIENCE_DOUBT_SECONDS": "25",
    "PATIENCE_RUNNING_SECONDS": "12",
    "PATIENCE_FETCHING_SECONDS": "30",
}


def free_ports(count: int) -> list[int]:
    """Return so many different ports of this machine that nobody listens on."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def processor_seconds(pid: int) -> float:
    """Return what a process and all its children have used of the cores, 0 when it is gone."""
    spent = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                spent += sum(process.cpu_times()[:4])
    return spent


@dataclass
class Part:
    """One process with all its children, in a process group of its own."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: IO[bytes]
    process: subprocess.Popen[bytes] | None = None
    # Of those that were killed; the living are asked.
    spent_seconds: float = 0.0

    def start(self) -> None:
        """Start it; its output goes to the log."""
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def is_alive(self) -> bool:
        """Whether its first process runs."""
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, if it is still there."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """Send SIGKILL to the whole group, and return when its first process is gone."""
        if self.process is not None:
            self.spent_seconds += processor_seconds(self.process.pid)
            self.send(signal.SIGKILL)
            self.process.wait()


@dataclass
class House:
    """All parts of a site below one folder, with the bad way between it and the sandbox."""

    data: Path
    seed: int
    percent: float
    patience: Mapping[str, str]
    parts: dict[str, Part] = field(default_factory=dict)
    # Parts that ended without having been killed.
    deaths: list[str] = field(default_factory=list)
    database_seconds: float = 0.0
    # Killing and reviving must not start the same part twice.
    _hand: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.site, self.sandbox, self.proxy, database = free_ports(4)
        self.url = f"http://127.0.0.1:{self.site}"
        self.postgres = Postgres(self.data / "postgres", database)
        self.environment = self._environment()

    def _environment(self) -> dict[str, str]:
        # Settings of whoever runs the test must not leak in.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": self.postgres.url,
            "GALLOP_DATA": str(self.data),
            "PORT": str(self.site),
            "SANDBOX_PORT": str(self.sandbox),
            "WAVESPEED_BASE_URL": f"http://127.0.0.1:{self.proxy}",
            "STRIPE_API_BASE": f"http://127.0.0.1:{self.sandbox}",
            "EMAIL_URL": f"filemail:///{self.data / 'mail'}",
            **self.patience,
        }

    def build(self) -> list[dict[str, str]]:
        """Make the database, the tables and the accounts, and start every part.

        Returns what open_account said of each.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        picture = self.data / "picture.jpg"
        picture.write_bytes(draw(300, 300))
        self.postgres.create()
        prepared = subprocess.run(
            [sys.executable, "-c", PREPARE],
            cwd=ROOT,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._add("sandbox", [sys.executable, "-m", "sandbox"], self._sandbox_environment())
        ports = [str(port) for port in (self.proxy, self.sandbox, self.site)]
        luck = ["--seed", str(self.seed), "--percent", str(self.percent)]
        # Longer than the site waits for an answer, shorter than it takes to call a job absent.
        late = str(int(self.patience["UPSTREAM_READ_SECONDS"]) + 1)
        way = [*ports, *luck, "--late-seconds", late, "--picture", str(picture)]
        self._add("proxy", [sys.executable, "-m", "tests.chaos.faults", *way])
        self._add("worker-1", [*MANAGE, "qcluster"])
        self._add("worker-2", [*MANAGE, "qcluster"])
        self._add("web", self._granian())
        return [json.loads(line) for line in prepared.stdout.splitlines()]

    def _add(
        self, name: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> None:
        log = (self.data / f"{name}.log").open("ab")
        self.parts[name] = Part(name, command, environment or self.environment, log)
        self.parts[name].start()

    def _sandbox_environment(self) -> dict[str, str]:
        return {
            **self.environment,
            # The addresses that it hands out lead through the bad way.
            "SANDBOX_URL": f"http://127.0.0.1:{self.proxy}",
            "SANDBOX_DATA": str(self.data / "sandbox"),
            "SANDBOX_FILM_ONCE": "1",
        }

    def _granian(self) -> list[str]:
        # As config.serve starts it.
        return [
            *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi"),
            *("--host", "127.0.0.1", "--port", str(self.site), "--workers", "1"),
            *("--blocking-threads", "8", "--no-ws", "--log-level", "error"),
            "config.wsgi:application",
        ]

    def await_ready(self) -> None:
        """Return when the site has all it needs. Raises TimeoutError."""
        until = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/readyz", timeout=5).is_success:
                    return
            time.sleep(WATCH_SECONDS)
        raise TimeoutError(f"not ready within {READY_SECONDS_MAX} s; read {self.data}/*.log")

    def manage(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a management command and return how it ended, with its output."""
        return subprocess.run(
            [*MANAGE, *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def strike(self, victim: str) -> None:
        """Kill a part or the database in the middle of its work, and start it again at once."""
        with self._hand:
            if victim == "postgres":
                self.database_seconds += processor_seconds(self.postgres.pid)
                self.postgres.crash()
                self.postgres.start()
            else:
                self.parts[victim].kill()
                self.parts[victim].start()

    def revive(self) -> None:
        """Start what ended by itself, as the machine's service manager would."""
        with self._hand:
            for part in self.parts.values():
                if not part.is_alive:
                    self.deaths.append(part.name)
                    # What is left of its group must not share the port or the work.
                    part.kill()
                    part.start()

    def spent(self) -> dict[str, float]:
        """Return the seconds of processor time that each part has used so far."""
        spent = {"postgres": self.database_seconds + processor_seconds(self.postgres.pid)}
        for name, part in self.parts.items():
            alive = processor_seconds(part.process.pid) if part.process else 0.0
            spent[name] = part.spent_seconds + alive
        return spent

    def tear_down(self) -> None:
        """Kill everything."""
        for part in self.parts.values():
            part.kill()
            part.log.close()
        self.postgres.end()


async def keep_alive(house: House) -> None:
    """Look after the house for ever."""
    while True:
        await asyncio.to_thread(house.revive)
        await asyncio.sleep(WATCH_SECONDS)
