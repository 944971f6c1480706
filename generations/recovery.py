"""After a restore: what is to be looked at; and the drill that proves that one would work."""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo

from config import backup, media
from generations.models import Generation

MISSING_SHOWN_MAX = 20
BATCH = 1000
PARTS = ("host", "port", "user", "password", "sslmode", "sslrootcert")


def state() -> dict[str, Any]:
    """Return how many jobs were under way, and finished films whose file is not there."""
    missing = []
    films = Generation.objects.filter(status=Generation.Status.COMPLETED, deleted_at=None)
    for pk, name in films.values_list("pk", "video").order_by("pk").iterator(BATCH):
        if not media.storage().exists(name):
            missing.append(pk.hex)
    return {
        "jobs_under_way": Generation.objects.unfinished().count(),
        "films_missing": len(missing),
        "missing": missing[:MISSING_SHOWN_MAX],
    }


def drill() -> dict[str, Any]:
    """Back up, restore into a fresh database of the same server, audit that, and remove it all.

    The site may go on meanwhile. Returns the figures; `ok` tells whether the audit was clean.
    Raises CalledProcessError where a step fails.
    """
    with tempfile.TemporaryDirectory() as place:
        folder, elsewhere = Path(place) / "backup", Path(place) / "data"
        began = time.monotonic()
        taken = backup.take(folder)
        backed_up = time.monotonic()
        with _fresh_database() as url:
            environment = _elsewhere(url, elsewhere)
            restored = _manage(environment, "restore", str(folder), "--audit")
            ready = time.monotonic()
    return {
        "ok": restored["audit"]["ok"] and not restored["films_missing"],
        "backup_seconds": round(backed_up - began, 1),
        "restore_seconds": round(ready - backed_up, 1),
        "dump_size": taken.dump_size,
        "media_files": taken.media_files,
        "media_size": taken.media_size,
        "films_missing": restored["films_missing"],
        "jobs_under_way": restored["jobs_under_way"],
        "audit": restored["audit"],
    }


@contextmanager
def _fresh_database() -> Iterator[str]:
    """Create an empty database beside ours and yield its DATABASE_URL; remove it at the end."""
    name = f"gallop_drill_{secrets.token_hex(4)}"
    there = connection.get_connection_params()
    parts = {key: str(there[key]) for key in PARTS if there.get(key)}
    ours = make_conninfo(**parts, dbname=str(there["dbname"]))
    with psycopg.connect(ours, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield _url(parts, name)
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            server.execute(drop.format(sql.Identifier(name)))


def _url(parts: Mapping[str, str], name: str) -> str:
    who = ":".join(quote(parts[key], safe="") for key in ("user", "password") if key in parts)
    # As options, because the host may be a folder with the server's socket.
    rest = {key: part for key, part in parts.items() if key not in {"user", "password"}}
    return f"postgres://{who}@/{name}?{urlencode(rest)}"


def _elsewhere(url: str, data: Path) -> dict[str, str]:
    """Return our environment with another database, and media in a folder of their own."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Empty and not just unset: a .env file would set it again.
    return {
        **ours,
        "AWS_STORAGE_BUCKET_NAME": "",
        "DATABASE_URL": url,
        "GALLOP_DATA": str(data),
        "SECRET_KEY": settings.SECRET_KEY,
    }


def _manage(environment: Mapping[str, str], *command: str) -> Any:
    done = subprocess.run(  # noqa: S603  our own commands
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *command],
        env=dict(environment),
        stdout=subprocess.PIPE,
        check=False,
        text=True,
    )
    if not done.stdout:
        raise subprocess.CalledProcessError(done.returncode, command)
    return json.loads(done.stdout.strip().split("\n")[-1])
