"""Clusters of background workers as real processes, on the database of the running test."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil
from django.conf import settings
from django.db import connection

from config.settings import BASE_DIR
from tests.ports import free_port

WAIT_SECONDS_MAX = 90
LOOK_SECONDS = 0.02
NAME = "cluster of a test"
# How libpq names what Django calls host, port and so on.
PG = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}


def environment(folder: Path, sandbox: str, **settings_: str) -> dict[str, str]:
    """Return what a cluster is started with: this test's database and sandbox, nothing else."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    server = connection.get_connection_params()
    return {
        **kept,
        **{PG[name]: str(server[name]) for name in PG if server.get(name)},
        "DATABASE_URL": f"postgres:///{server['dbname']}",
        "PGAPPNAME": NAME,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "GALLOP_DATA": str(folder),
        "SECRET_KEY": settings.SECRET_KEY,
        "PORT": str(free_port()),
        "WAVESPEED_BASE_URL": sandbox,
        "STRIPE_API_BASE": sandbox,
        "EMAIL_URL": "dummymail://",
        "PYTHONUNBUFFERED": "1",
        "LEASE_SECONDS": "3",
        "UPSTREAM_READ_SECONDS": "5",
        "ABSENCE_SECONDS": "9",
        **settings_,
    }


@dataclass
class Cluster:
    """One `manage.py qcluster` with all its processes, in a process group of its own."""

    environment: Mapping[str, str]
    log: IO[bytes]
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"],
            cwd=BASE_DIR,
            env=self.environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to every process of the group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End all of it without a chance to tidy up."""
        self.send(signal.SIGKILL)
        self.process.wait()

    def terminate(self) -> float:
        """Ask it to stop, as a service manager does; return how long that took, in seconds."""
        parts = [self.process.pid, *(part.pid for part in self.parts())]
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(WAIT_SECONDS_MAX)
        wait_until(lambda: not any(psutil.pid_exists(part) for part in parts[1:]))
        return time.monotonic() - began

    def parts(self) -> list[psutil.Process]:
        """Return its children and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)


@dataclass
class Yard:
    """Where clusters are started; whatever still runs at the end is killed."""

    folder: Path
    environment: dict[str, str]
    clusters: list[Cluster] = field(default_factory=list)

    def start(self, **settings_: str) -> Cluster:
        """Start one more cluster."""
        log = (self.folder / f"cluster-{len(self.clusters)}.log").open("wb")
        self.clusters.append(Cluster({**self.environment, **settings_}, log))
        return self.clusters[-1]

    def run(self, code: str) -> None:
        """Run some lines as the site's web process would, with this yard's broker."""
        subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            cwd=BASE_DIR,
            env=self.environment,
            check=True,
        )

    def said(self) -> str:
        """Return what all clusters have written."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("cluster-*.log")))


@contextlib.contextmanager
def yard(folder: Path, sandbox: str, **settings_: str) -> Iterator[Yard]:
    """Open a yard for one test."""
    made = Yard(folder, environment(folder, sandbox, **settings_))
    try:
        yield made
    finally:
        for cluster in made.clusters:
            cluster.kill()
            cluster.log.close()
        _end_sessions()


def _end_sessions() -> None:
    """Have the server end what the killed have left: their locks would hold up the next test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND application_name = %s",
            [NAME],
        )


def wait_until(look: Callable[[], bool], seconds: float = WAIT_SECONDS_MAX) -> float:
    """Return, in seconds, how long it took until `look` was true."""
    began = time.monotonic()
    while not look():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds:.0f} s")
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - began
