"""The load: Debian's wrk, which spends a few microseconds on a request, in a process of its own.

`python -m bench.wrk` finds or installs it.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

APT = "/usr/bin/apt-get"
APT_SECONDS_MAX = 600
SCRIPT = Path(__file__).with_name("wrk.lua")


class NoWrk(RuntimeError):
    """There is no wrk on this machine."""


@dataclass(frozen=True)
class Load:
    """What came of one run: answers 200 a second, their times in ms, and the others.

    `cpu_micros` is what wrk itself spent on a request.
    """

    rate: float
    p50: float
    p99: float
    refused: int
    cpu_micros: float


def find() -> str:
    """Return the program's path, installing it as root on Debian. Raises NoWrk."""
    if shutil.which("wrk") is None and os.geteuid() == 0 and Path(APT).exists():
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "wrk"]):
            subprocess.run([APT, "-qq", *command], check=True, timeout=APT_SECONDS_MAX)
    path = shutil.which("wrk")
    if path is None:
        raise NoWrk("wrk is missing. Install it with your machine's package manager.")
    return path


@dataclass(frozen=True)
class Request:
    """One request of a program, or with a `cookie` of a browser.

    `once` gives it a new Idempotency-Key each time that it is sent.
    """

    method: str
    path: str
    key: str
    body: str = ""
    once: bool = False
    cookie: str = ""

    @property
    def line(self) -> str:
        """It as wrk.lua reads it."""
        once = "once" if self.once else ""
        return f"{self.method}\t{self.path}\t{self.key}\t{self.body}\t{once}\t{self.cookie}\n"


def run(url: str, requests: Path, *, connections: int, seconds: int) -> Load:
    """Send the requests of a file in turns, for so long, each connection one at a time."""
    command = [find(), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
    with subprocess.Popen(
        [*command, "-s", str(SCRIPT), url, "--", str(requests)],
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        spent = _watch(program)
        assert program.stdout is not None
        said: dict[str, Any] = json.loads(program.stdout.read().rpartition("RESULT ")[2])
    assert program.returncode == 0
    passed = said["requests"] - said["refused"] - said["broken"]
    return Load(
        rate=passed / said["seconds"],
        p50=said["p50"],
        p99=said["p99"],
        refused=said["refused"] + said["broken"],
        cpu_micros=1e6 * spent / max(1, said["requests"]),
    )


def _watch(program: subprocess.Popen[str]) -> float:
    """Return the seconds of CPU that the program took, once it has ended."""
    process, spent = psutil.Process(program.pid), 0.0
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        used = process.cpu_times()
        spent = used.user + used.system
        try:
            process.wait(0.2)
        except psutil.TimeoutExpired:
            continue
    return spent


if __name__ == "__main__":
    print(find())
