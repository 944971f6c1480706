"""Start the embedded PostgreSQL on demand and share it between processes.

Who uses the server holds a shared lock on `users.lock`, which the kernel drops when the
process dies, however it dies. One keeper process per data folder owns the server's life: it
waits for an exclusive lock on the same file, gets it when the last user is gone, and stops
the server. Nobody counts pids, so a kill -9 leaves nothing wrong behind.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

DATABASE_NAME = "gallop"

# One open lock file per data folder for the life of this process; forked children share it.
_uses: dict[Path, int] = {}


class ServerDidNotStart(RuntimeError):
    """The embedded PostgreSQL could not be started; its log says why."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"The embedded PostgreSQL did not start. Read {folder / 'keeper.log'}, "
            "or set DATABASE_URL to a PostgreSQL of your own."
        )


def address(folder: Path) -> str:
    """Return the folder of the server's Unix socket, starting the server if needed.

    The server stays up at least as long as the calling process lives.
    Raises ServerDidNotStart.
    """
    if folder not in _uses:
        folder.mkdir(parents=True, exist_ok=True)
        use = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT)
        # Waits while a keeper is busy stopping the server, so nobody connects to a dying one.
        fcntl.flock(use, fcntl.LOCK_SH)
        try:
            with (folder / "start.lock").open("a+") as start:
                fcntl.flock(start, fcntl.LOCK_EX)
                if not keeper_is_alive(folder):
                    _spawn_keeper(folder)
        except ServerDidNotStart:
            os.close(use)
            raise
        _uses[folder] = use
    return (folder / "address").read_text()


def keeper_is_alive(folder: Path) -> bool:
    """Tell whether a keeper looks after the server of this folder."""
    with (folder / "keeper.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def wait_until_stopped(folder: Path) -> None:
    """Return when no keeper is left; the caller must not itself be a user."""
    with (folder / "keeper.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def _spawn_keeper(folder: Path) -> None:
    with (folder / "keeper.log").open("a") as log:
        # A session of its own: Ctrl-C in the terminal must not take the database away first.
        keeper = subprocess.Popen(  # noqa: S603  our own module, our own folder
            [sys.executable, "-m", "config.embedded.keeper", str(folder)],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert keeper.stdout is not None
    with keeper.stdout as answers:
        if answers.readline() != "ready\n":
            keeper.wait()
            raise ServerDidNotStart(folder)
    # The keeper outlives us on purpose; without this the interpreter warns about it.
    keeper.returncode = 0
