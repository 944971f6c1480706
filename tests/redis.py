"""A real Redis for the tests of the broker: `python -m tests.redis` finds or installs it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = "redis-server"
APT_SECONDS_MAX = 600
STOP_SECONDS_MAX = 20


class NoRedis(RuntimeError):
    """There is no redis-server on this machine."""


def find() -> str:
    """Return the path of the server. Raises NoRedis."""
    path = shutil.which(PACKAGE)
    if path is None:
        raise NoRedis(
            "redis-server is missing. Run `python -m tests.redis` as root on Debian, or install "
            "Redis with your machine's package manager."
        )
    return path


def install() -> None:
    """Install Debian's Redis. Raises NoRedis where that cannot be done."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update"], ["install", "--yes", "--no-install-recommends", PACKAGE]):
            subprocess.run(["apt-get", "-qq", *command], check=True, timeout=APT_SECONDS_MAX)
    find()


@contextmanager
def running(folder: Path, port: int) -> Iterator[str]:
    """Run a server that keeps nothing on this port; its address."""
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(find(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)),
                *("--save", "", "--appendonly", "no"),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"redis://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(STOP_SECONDS_MAX)


if __name__ == "__main__":
    try:
        find()
    except NoRedis:
        print("No Redis found for the tests: installing one.", flush=True)
        install()
