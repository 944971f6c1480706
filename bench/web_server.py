"""The web server as `make run` starts it, on the tests' database, and what it and that one cost."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection

from config import serve
from config.settings import BASE_DIR
from tests.conftest import await_answer
from tests.ports import free_port

STOP_SECONDS_MAX = 20
# Rates far above what is measured: counted and told, but nobody is refused.
LIMITS = "0=99999999/99999999/99999"


@dataclass(frozen=True)
class Site:
    """A running web server: its address, and the two processes whose CPU is counted."""

    url: str
    web: psutil.Process
    postgres: psutil.Process

    def cpu_seconds(self) -> tuple[float, float]:
        """Return what web server and PostgreSQL have taken so far, children included."""
        return _spent(self.web), _spent(self.postgres)


@contextmanager
def running(*, data: Path | None = None) -> Iterator[Site]:
    """Run it until the block ends; with a data folder its pages have their styles and scripts."""
    host, name = connection.get_connection_params()["host"], settings.DATABASES["default"]["NAME"]
    port = free_port()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"postgres:///{host}/{name}",
        "PGUSER": "postgres",
        "PORT": str(port),
        "LIMITS": LIMITS,
        "SECRET_KEY": settings.SECRET_KEY,
    }
    if data is not None:
        environment["GALLOP_DATA"] = str(data)
        collect = [*serve.MANAGE, "collectstatic", "--no-input", "--verbosity", "0"]
        subprocess.run(collect, cwd=BASE_DIR, env=environment, check=True)
    process = subprocess.Popen(serve.web_server(port), cwd=BASE_DIR, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        await_answer(f"{url}/healthz")
        yield Site(url, psutil.Process(process.pid), psutil.Process(_postmaster()))
    finally:
        process.terminate()
        process.wait(STOP_SECONDS_MAX)


def _postmaster() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        (folder,) = cursor.fetchone()
    return int(Path(folder, "postmaster.pid").read_text().split("\n", 1)[0])


def _spent(process: psutil.Process) -> float:
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            used = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total
