"""What every test may ask for: the cast, the sandbox as a real server, and a driver."""

import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import TransactionTestCase
from django.utils import timezone
from pytest_django import Settings

from config.outbound import Fetcher
from config.settings import BASE_DIR, STRIPE_PLAY_KEY, WAVESPEED_PLAY_KEY
from generations import line, pace, wakeups, wavespeed
from generations.driver import Driver
from generations.models import Generation, UpstreamState
from tests import cast
from tests.ports import free_port
from tests.web import Web

# Empties every table but those that migrations fill. Django's own way, TRUNCATE of them all and
# all permissions written anew, takes a hundred times as long, and many tests commit.
EMPTY = """
SET session_replication_role = replica;
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
    WHERE schemaname = 'public' AND tablename NOT IN
        ('django_migrations', 'django_content_type', 'auth_permission', 'django_q_schedule')
    LOOP EXECUTE 'DELETE FROM ' || one.name; END LOOP;
END $$;
SET session_replication_role = DEFAULT
"""
READY_SECONDS_MAX = 30
ROUNDS_MAX = 20
WEBHOOK_SECRET = "whsec_tests"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the garbage collector what stays to the end: it would look through it at every turn."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures and seeds that tests record, from whichever process they ran in."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, figure in report.user_properties:
                if name == "figure":
                    terminalreporter.write_line(str(figure))


@pytest.fixture(autouse=True, scope="session")
def _emptied_quickly() -> Iterator[None]:
    """Have what a test committed removed in milliseconds."""

    def empty(_: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            cursor.execute(EMPTY)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(autouse=True)
def _own_corner(settings: Settings, tmp_path: Path) -> None:
    """Give each test its own media folder, quick passwords, unbuilt static files, a fresh mind."""
    line.forget()
    pace.forget()
    wakeups.forget()
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STATIC_ROOT = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        "default": {"BACKEND": "config.media.Folder"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a sandbox that takes no time for a job and posts its hooks nowhere."""
    with sandbox_running(tmp_path_factory.mktemp("sandbox"), SANDBOX_JOB_SECONDS="0") as url:
        yield url


@contextmanager
def sandbox_running(folder: Path, **settings: str) -> Iterator[str]:
    """Run a sandbox that posts its hooks nowhere; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox"],
        cwd=BASE_DIR,
        env={
            **os.environ,
            "SANDBOX_PORT": str(port),
            "SANDBOX_DATA": str(folder),
            "STRIPE_WEBHOOK_URL": f"http://127.0.0.1:{free_port()}/hooks/stripe",
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "STRIPE_SECRET_KEY": STRIPE_PLAY_KEY,
            "WAVESPEED_API_KEY": WAVESPEED_PLAY_KEY,
            **settings,
        },
    )
    try:
        await_answer(url)
        yield url
    finally:
        process.terminate()
        process.wait(READY_SECONDS_MAX)


def await_answer(url: str) -> None:
    """Return as soon as the address answers."""
    until = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < until:
        try:
            httpx.get(url, timeout=1).raise_for_status()
        except httpx.HTTPError:
            continue
        return
    raise AssertionError(f"{url} did not answer within {READY_SECONDS_MAX} s")


@pytest.fixture
def sandbox(settings: Settings, sandbox_url: str) -> str:
    """The sandbox, with this test's settings pointing at it; its address."""
    settings.WAVESPEED_BASE_URL = sandbox_url
    settings.STRIPE_API_BASE = sandbox_url
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
    settings.PRIVATE_HOSTS_ALLOWED = {sandbox_url.removeprefix("http://")}
    return sandbox_url


@pytest.fixture
def alice(db: None) -> cast.Customer:
    """She has $25."""
    return cast.customer("alice", "25")


@pytest.fixture
def bob(db: None) -> cast.Customer:
    """He has nothing."""
    return cast.customer("bob")


@pytest.fixture
def charlie(db: None) -> cast.Customer:
    """He has $5 and must see nothing of the others'."""
    return cast.customer("charlie", "5")


@pytest.fixture
def tess(alice: cast.Customer) -> cast.Customer:
    """She is Alice in test mode, with $100 of test credit."""
    return cast.tester(alice)


@pytest.fixture
def run_driver(sandbox: str) -> Callable[[], None]:
    """Take every due job one step further, once."""

    async def run_once() -> None:
        async with wavespeed.Client() as upstream, Fetcher() as fetcher:
            await Driver(upstream, fetcher).run_due()

    del sandbox
    return async_to_sync(run_once)


@pytest.fixture
def settle(run_driver: Callable[[], None]) -> Callable[[], None]:
    """Drive every job to its end, making each due at once instead of waiting."""

    def drive() -> None:
        for _ in range(ROUNDS_MAX):
            UpstreamState.objects.update(probe_at=None)
            unfinished = Generation.objects.unfinished()
            if unfinished.update(due_at=timezone.now()) == 0:
                return
            run_driver()
        raise AssertionError(f"still unfinished: {list(Generation.objects.unfinished())}")

    return drive


@pytest.fixture
def web(settings: Settings) -> Iterator[Web]:
    """A web server of somebody else, whose private address is allowed for this test."""
    site = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.answer(self)

        def do_POST(self) -> None:
            site.answer(self)

        def log_message(self, *_: Any) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.host = f"127.0.0.1:{server.server_port}"
    settings.PRIVATE_HOSTS_ALLOWED = {*settings.PRIVATE_HOSTS_ALLOWED, site.host}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield site
    site.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()
