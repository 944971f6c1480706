"""The whole product as a customer's machine runs it: `python -m config.serve`, in a folder."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, TypeVar

from config.settings import BASE_DIR
from tests.ports import free_port

START_SECONDS_MAX = 90
WAIT_SECONDS_MAX = 60

T = TypeVar("T")


@dataclass
class House:
    """A running site: its address, its data folder, and what it printed."""

    url: str
    data: Path
    environment: dict[str, str]
    process: subprocess.Popen[str]

    def manage(self, *command: str) -> str:
        """Run a management command on the site's data and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=BASE_DIR,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def audit(self) -> dict[str, Any]:
        """Return what `manage.py audit` says; it must exit 0."""
        found: dict[str, Any] = json.loads(self.manage("audit"))
        return found

    def link_in_mail(self, address: str, pattern: str) -> str:
        """Return the first link in the newest mail to this address, waiting for the mail."""

        def look() -> str | None:
            for path in sorted((self.data / "mail").glob("*.log"), reverse=True):
                for raw in path.read_bytes().split(b"-" * 79):
                    message = message_from_bytes(raw.strip() + b"\n", policy=policy.default)
                    if address in str(message["To"]):
                        match = re.search(pattern, raw.decode())
                        if match:
                            return match.group()
            return None

        return wait_for(look)


def wait_for(look: Callable[[], T | None], seconds: float = WAIT_SECONDS_MAX) -> T:
    """Return what `look` finds, asking again until it is something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (found := look()) is not None:
            return found
    raise AssertionError(f"nothing found within {seconds} s")


def last_json(printed: str) -> dict[str, Any]:
    """Return the last line of what a command printed, which is JSON."""
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


@contextmanager
def running(data: Path, **settings: str) -> Iterator[House]:
    """Run the site until the block ends, then stop it as Ctrl-C does."""
    port = free_port()
    environment = {
        **os.environ,
        "PORT": str(port),
        "SANDBOX_PORT": str(free_port()),
        "GALLOP_DATA": str(data),
        "EMAIL_URL": f"filemail:///{data / 'mail'}",
        **settings,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "config.serve"],
        cwd=BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("Gallop is ready"):
                break
        else:
            raise AssertionError("the site did not start")
        yield House(f"http://127.0.0.1:{port}", data, environment, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.stdout.close()
        process.wait(START_SECONDS_MAX)
