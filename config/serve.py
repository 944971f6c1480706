"""Run all of Gallop on one machine: `python -m config.serve`.

Migrates, opens a demo account, starts the sandbox (if it is used), the worker and the web
server, says where to go, and stops everything it started on Ctrl-C, or when a part of it dies.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import httpx

from config import settings
from config.embedded.server import wait_until_stopped

READY_SECONDS_MAX = 60
# A killed worker loses nothing, so a stop need not wait for the driver's shift.
STOP_SECONDS_MAX = 4
WATCH_SECONDS = 0.2
# Each process runs Python on one core at a time; its threads wait for PostgreSQL half of the time,
# and those that spend from one account share a commit. Measured with bench/bench_api.py.
WEB_WORKERS = 2
DEMO_EMAIL = "demo@gallop.example"
DEMO_PASSWORD = "one-picture-in"  # noqa: S105  printed for everyone; only the sandbox has it
DEMO_CREDIT = "25.00"
PR_SET_PDEATHSIG = 1

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]


class PartDied(RuntimeError):
    """A part of the site ended by itself; its last lines are above."""


@dataclass
class House:
    """The processes of one running site."""

    parts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        """Start a part in a session of its own, so that Ctrl-C reaches only us."""
        self.parts[name] = subprocess.Popen(  # noqa: S603  our own commands
            command,
            cwd=settings.BASE_DIR,
            env={**os.environ, **environment},
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  one call into the kernel, no locks
        )

    def check(self) -> None:
        """Raise PartDied when one of the parts has ended."""
        for name, part in self.parts.items():
            if part.poll() is not None:
                raise PartDied(f"The {name} ended with status {part.returncode}.")

    def await_answer(self, url: str) -> None:
        """Return when the address answers 200."""
        until = time.monotonic() + READY_SECONDS_MAX
        while not self.stopping.wait(WATCH_SECONDS):
            self.check()
            try:
                if httpx.get(url, timeout=2).is_success:
                    return
            except httpx.HTTPError:
                pass
            if time.monotonic() > until:
                raise PartDied(f"{url} did not answer within {READY_SECONDS_MAX} s.")

    def watch(self) -> None:
        """Return when asked to stop. Raises PartDied."""
        while not self.stopping.wait(WATCH_SECONDS):
            self.check()

    def stop(self) -> None:
        """Ask every part to stop, last started first, then insist."""
        for part in reversed(self.parts.values()):
            part.terminate()
        until = time.monotonic() + STOP_SECONDS_MAX
        for part in self.parts.values():
            try:
                part.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(part.pid, signal.SIGKILL)
                part.wait()


def main() -> None:
    """Serve until told to stop."""
    house = House()

    def leave(number: int, frame: FrameType | None) -> None:
        del number, frame
        house.stopping.set()

    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGTERM, leave)
    try:
        _prepare()
        _start(house)
        if not house.stopping.is_set():
            _welcome()
            house.watch()
    except PartDied as death:
        print(f"gallop: {death}", file=sys.stderr)
        sys.exit(1)
    finally:
        house.stop()
        if not os.environ.get("DATABASE_URL"):
            wait_until_stopped(settings.DATA / "postgres")


def _prepare() -> None:
    # One process for the three: starting Django costs more than the work.
    code = (
        "import django; django.setup(); from django.core.management import call_command as run;"
        "run('migrate', verbosity=0); run('createcachetable', verbosity=0);"
        "run('collectstatic', interactive=False, verbosity=0)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, env=environment, check=True
    )


def _start(house: House) -> None:
    if settings.SANDBOX:
        house.start("sandbox", [sys.executable, "-m", "sandbox"], _sandbox_environment())
        house.await_answer(settings.SANDBOX_URL)
    house.start("worker", [*MANAGE, "qcluster"], {})
    house.start("web server", web_server(settings.PORT), {})
    house.await_answer(f"http://127.0.0.1:{settings.PORT}/readyz")
    # Somebody else's server on our ports would have answered too.
    house.check()


def _sandbox_environment() -> dict[str, str]:
    return {
        "SANDBOX_PORT": str(settings.SANDBOX_PORT),
        "SANDBOX_URL": settings.SANDBOX_URL,
        "SANDBOX_DATA": str(settings.DATA / "sandbox"),
        "STRIPE_WEBHOOK_URL": f"http://127.0.0.1:{settings.PORT}/hooks/stripe",
        "STRIPE_WEBHOOK_SECRET": settings.STRIPE_WEBHOOK_SECRET,
        "STRIPE_SECRET_KEY": settings.STRIPE_SECRET_KEY,
        "WAVESPEED_API_KEY": settings.WAVESPEED_API_KEY,
    }


def web_server(port: int) -> list[str]:
    """Return the command that serves the site on this port."""
    return [
        *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi"),
        *("--host", "127.0.0.1" if settings.LOCAL else "0.0.0.0"),  # noqa: S104  behind a proxy
        *("--port", str(port)),
        *("--workers", str(WEB_WORKERS), "--blocking-threads", str(settings.WEB_THREADS)),
        *("--runtime-mode", "mt", "--no-ws", "--log-level", "error"),
        "config.wsgi:application",
    ]


def _welcome() -> None:
    line = f"Gallop is ready: {settings.PUBLIC_URL}"
    if not settings.SANDBOX:
        print(line, flush=True)
        return
    demo = _demo_account()
    body = json.dumps({"image": f"{settings.PUBLIC_URL}/static/samples/horse.jpg"})
    print(
        f"\n{line}\n"
        f"Sign in:   {demo['email']}  {DEMO_PASSWORD}   (also for {settings.PUBLIC_URL}/admin/)\n"
        f"By API:    curl {settings.PUBLIC_URL}/api/v3/alibaba/happyhorse-1.1/image-to-video "
        f"-H 'Authorization: Bearer {demo['api_key']}' -H 'Content-Type: application/json' "
        f"-d '{body}'\n"
        "Both outside services are the sandbox: no real money, no real model. Ctrl-C stops it.\n",
        flush=True,
    )


def _demo_account() -> dict[str, str]:
    """Return the demo account with a fresh key; its credit is given once."""
    kept = settings.DATA / "demo.json"
    command = [*MANAGE, "open_account", DEMO_EMAIL, "--password", DEMO_PASSWORD, "--staff"]
    if not kept.exists():
        draft = kept.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(_output([*command, "--credit", DEMO_CREDIT]))
        # Whole or not at all: half a file would stop every later start.
        draft.replace(kept)
    demo: dict[str, str] = json.loads(kept.read_text())
    return demo


def _output(command: list[str]) -> str:
    return subprocess.run(  # noqa: S603  our own command
        command, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _die_with_parent() -> None:
    """Have the kernel stop a part when we are killed without a chance to do it (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    main()
