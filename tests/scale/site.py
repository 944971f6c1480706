"""A site of many machines, played on one: each part is a process with a data folder of its own.

Two web servers, two workers, one PostgreSQL, one Redis, a stand-in for S3, and the sandbox as the
upstream. They share addresses, keys and nothing else, as machines do.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from redis import Redis

from config.settings import BASE_DIR
from tests import bucket, redis
from tests.chaos.house import MANAGE, PREPARE, Part, free_ports, processor_seconds
from tests.chaos.postgres import Postgres

READY_SECONDS_MAX = 120
STOP_SECONDS_MAX = 20
LOOK_SECONDS = 0.2
WEBS = ("web-1", "web-2")
WORKERS = ("worker-1", "worker-2")
BUCKET = "gallop-scale"


@dataclass
class Site:
    """All parts, below one folder. `job_seconds` is how long the upstream takes for a film."""

    data: Path
    job_seconds: float
    parts: dict[str, Part] = field(default_factory=dict)
    _end: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.sandbox_port, database, self.redis_port, self.bucket_port, *webs = free_ports(6)
        self.ports = dict(zip(WEBS, webs, strict=True))
        self.sandbox = f"http://127.0.0.1:{self.sandbox_port}"
        self.postgres = Postgres(self.data / "postgres", database)
        self.environment = self._environment()

    def address(self, web: str) -> str:
        """Return where a web server listens."""
        return f"http://127.0.0.1:{self.ports[web]}"

    def _environment(self) -> dict[str, str]:
        # Settings of whoever runs the test must not leak in.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}",
            # Without a balancer in front the upstream's word goes to one of the two; where that
            # one dies, the workers find out by themselves what has ended.
            "PUBLIC_URL": self.address(WEBS[0]),
            "SANDBOX_PORT": str(self.sandbox_port),
            "EMAIL_URL": "dummymail://",
            "AWS_STORAGE_BUCKET_NAME": BUCKET,
            "AWS_S3_ENDPOINT_URL": f"http://127.0.0.1:{self.bucket_port}",
            "AWS_S3_REGION_NAME": bucket.REGION,
            "AWS_ACCESS_KEY_ID": bucket.KEYS["access_key"],
            "AWS_SECRET_ACCESS_KEY": bucket.KEYS["secret_key"],
        }

    def build(self) -> list[dict[str, str]]:
        """Start every part and open the accounts; return what open_account said of each."""
        self.postgres.create()
        self._end.callback(self.postgres.end)
        self._end.enter_context(redis.running(self._folder("redis"), self.redis_port))
        self._open_bucket()
        self._add(
            "sandbox",
            [sys.executable, "-m", "sandbox"],
            SANDBOX_DATA=str(self._folder("sandbox")),
            SANDBOX_JOB_SECONDS=str(self.job_seconds),
            SANDBOX_FILM_ONCE="1",
        )
        prepared = subprocess.run(
            [sys.executable, "-c", PREPARE],
            cwd=BASE_DIR,
            env=self.environment | {"GALLOP_DATA": str(self._folder("operator"))},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in WORKERS:
            self._add(name, [*MANAGE, "qcluster"])
        for name in WEBS:
            self._add(name, ["sh", "deploy/web.sh"], WEB_HOST="127.0.0.1", WEB_WORKERS="1")
        self._await_ready()
        return [json.loads(line) for line in prepared.stdout.splitlines()]

    def _folder(self, name: str) -> Path:
        folder = self.data / name
        folder.mkdir(exist_ok=True)
        return folder

    def _add(self, name: str, command: list[str], **settings: str) -> None:
        own = {
            "GALLOP_DATA": str(self._folder(name)),
            "PORT": str(self.ports.get(name, self.ports[WEBS[0]])),
            # By this name PostgreSQL tells whose connections it has.
            "PGAPPNAME": name,
            # What deploy/web.sh starts is found beside this Python.
            "PATH": f"{Path(sys.executable).parent}:{self.environment.get('PATH', '')}",
        }
        log = (self.data / f"{name}.log").open("ab")
        self._end.callback(log.close)
        part = Part(name, command, self.environment | own | settings, log)
        self.parts[name] = part
        self._end.callback(part.kill)
        part.start()

    def _open_bucket(self) -> None:
        # It keeps what it is given in memory.
        self._bucket_server = bucket.start(self.bucket_port, self.data)
        self._end.callback(self._bucket_server.wait, STOP_SECONDS_MAX)
        self._end.callback(self._bucket_server.kill)
        url = f"http://127.0.0.1:{self.bucket_port}"
        _await(f"{url}/moto-api/data.json")
        self.bucket = bucket.Bucket(BUCKET, url)
        self._end.callback(self.bucket.close)

    def _await_ready(self) -> None:
        for name in WEBS:
            _await(f"{self.address(name)}/readyz")

    def manage(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a management command and return how it ended, with its output."""
        return subprocess.run(
            [*MANAGE, *command],
            cwd=BASE_DIR,
            env=self.environment | {"GALLOP_DATA": str(self._folder("operator"))},
            capture_output=True,
            text=True,
            check=False,
        )

    def redis_figures(self) -> dict[str, Any]:
        """Return what Redis tells about itself."""
        with Redis.from_url(self.environment["REDIS_URL"]) as client:
            told: dict[str, Any] = client.info()
            return told

    def bucket_sizes(self) -> dict[str, int]:
        """Return every object with its size in bytes."""
        pages = self.bucket.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        found = (one for page in pages for one in page.get("Contents", []))
        return {one["Key"]: one["Size"] for one in found}

    def spent(self) -> dict[str, float]:
        """Return the seconds of processor time used so far, by kind of part."""
        told = self.redis_figures()
        spent = {
            "postgres": processor_seconds(self.postgres.pid),
            "redis": float(told["used_cpu_user"] + told["used_cpu_sys"]),
            "bucket": processor_seconds(self._bucket_server.pid),
        }
        for name, part in self.parts.items():
            kind = name.partition("-")[0]
            alive = processor_seconds(part.process.pid) if part.process else 0.0
            spent[kind] = spent.get(kind, 0.0) + part.spent_seconds + alive
        return spent

    def tear_down(self) -> None:
        """End everything."""
        self._end.close()


def _await(url: str) -> None:
    """Return as soon as the address answers 200. Raises TimeoutError."""
    until = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).is_success:
                return
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"{url} did not answer within {READY_SECONDS_MAX} s")
