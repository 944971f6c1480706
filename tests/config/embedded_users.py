"""Processes that use an embedded PostgreSQL, and what a test sees of the server meanwhile."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
import psycopg

from config.embedded.server import DATABASE_NAME, keeper_is_alive
from config.settings import BASE_DIR

WAIT_SECONDS_MAX = 60
STEP_SECONDS = 0.05

# Starts the server, says where it is, and uses it until its input ends.
USER = (
    "import sys; from pathlib import Path; from config.embedded import server;"
    "print(server.address(Path(sys.argv[1])), flush=True); sys.stdin.read()"
)

T = TypeVar("T")

_everybody: list["User"] = []


class User:
    """A process that uses the server of a folder from when it is made until it leaves or dies."""

    def __init__(self, folder: Path, start_only: bool = False) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", USER, str(folder)],
            cwd=BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        _everybody.append(self)
        self.address = "" if start_only else self.arrived()

    def arrived(self) -> str:
        """Wait until it has the server's address; return it."""
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address, (self.folder / "keeper.log").read_text()
        return self.address

    def leave(self) -> None:
        """End as a program ends."""
        self.process.communicate(timeout=WAIT_SECONDS_MAX)
        assert self.process.returncode == 0

    def kill(self) -> None:
        """End without a chance to clean up."""
        self.process.kill()
        self.process.communicate(timeout=WAIT_SECONDS_MAX)

    def ask(self, question: str) -> object:
        """Ask the database on a connection of its own; the first value of the answer."""
        with psycopg.connect(
            host=self.address, user="postgres", dbname=DATABASE_NAME, autocommit=True
        ) as connection:
            answer = connection.execute(question.encode())
            row = answer.fetchone() if answer.description else None
        return row[0] if row else None


def send_everybody_away() -> None:
    """End the users that a failed test left behind."""
    while _everybody:
        user = _everybody.pop()
        if user.process.poll() is None:
            user.kill()


def until(condition: Callable[[], T]) -> T:
    """Wait for the condition and return what it gave; a minute is too long."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(STEP_SECONDS)
    return found


def keeper(folder: Path) -> psutil.Process:
    """The process that owns the server of this folder."""
    (found,) = [
        process
        for process in psutil.process_iter(["cmdline"])
        if (process.info["cmdline"] or [])[-2:] == ["config.embedded.keeper", str(folder)]
    ]
    return found


def postmaster(folder: Path) -> psutil.Process | None:
    """The server's first process, or None when it does not run."""
    try:
        pid = int((folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        alive = process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None
    return process if alive else None


def stopped(folder: Path) -> bool:
    """Tell whether neither keeper nor server runs."""
    return not keeper_is_alive(folder) and postmaster(folder) is None


def kill(process: psutil.Process) -> None:
    """Kill -9."""
    os.kill(process.pid, signal.SIGKILL)
