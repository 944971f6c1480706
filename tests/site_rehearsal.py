"""A production-like site on Debian's packages, tried out: `deploy/rehearse.sh` runs it.

PostgreSQL and Redis of Debian, two roles in the database, HTTPS with a self-signed certificate
behind nginx, two web servers, two workers, and the sandbox outside. Prints what it did, and how
long that took; exit 1 at the first thing that is not as it should be.
"""

import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from config.settings import BASE_DIR
from tests import redis
from tests.pictures import draw
from tests.ports import free_port

WAIT_SECONDS_MAX = 120
STOP_SECONDS_MAX = 30
EMAIL, PASSWORD = "rehearsal@gallop.example", "one-picture-in"
MODEL = "/api/v3/alibaba/happyhorse-1.1/image-to-video"
CARD = {"number": "4242424242424242", "expiry": "12/40", "cvc": "123"}
SLOW_CONNECTIONS = 60
QUICK_SECONDS = 2.0
DEBIANS_POSTGRES = Path("/usr/lib/postgresql")
ROLES = {"owner": "gallop_owner", "site": "gallop_site"}


@dataclass
class Site:
    """The processes of the site, its environment, and where everything lies."""

    place: Path
    port: int
    environment: dict[str, str]
    parts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def certificate(self) -> Path:
        return self.place / "certificates" / "fullchain.pem"

    def start(self, name: str, *command: str, **more: str) -> None:
        """Start a part in a process group of its own; what it says is kept in NAME.log."""
        with (self.place / f"{name}.log").open("wb") as log:
            self.parts[name] = subprocess.Popen(
                command,
                cwd=BASE_DIR,
                env=self.environment | more,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """End a part as a power cut would, with all its processes."""
        part = self.parts.pop(name)
        os.killpg(part.pid, signal.SIGKILL)
        part.wait()

    def stop(self) -> None:
        """Ask every part to stop, and insist."""
        for part in reversed(self.parts.values()):
            part.terminate()
        for part in self.parts.values():
            try:
                part.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                os.killpg(part.pid, signal.SIGKILL)

    def manage(self, *command: str, **more: str) -> str:
        """Run a management command and return what it printed."""
        return _run(sys.executable, "manage.py", *command, env=self.environment | more)


def main() -> None:
    """Set the site up, try it out, and take it down."""
    with ExitStack() as end:
        place = Path(end.enter_context(tempfile.TemporaryDirectory()))
        place.chmod(0o755)
        site = Site(place, free_port(), {})
        database_port, redis_port = free_port(), free_port()
        with said("PostgreSQL and Redis of Debian"):
            end.enter_context(postgres(place / "postgres", database_port))
            broker = end.enter_context(redis.running(place, redis_port))
        with said("a self-signed certificate"):
            certificate(site.certificate.parent)
        owner = configure(site, database_port, broker)
        with said("migrations by the owner's role"):
            _run("sh", "deploy/prepare.sh", env=site.environment | {"DATABASE_URL": owner})
        end.callback(site.stop)
        with said("nginx, two web servers, two workers and the sandbox"):
            start(site)
        try_out(site, database_port)
    print("The rehearsal went as it should.", flush=True)


@contextmanager
def said(what: str) -> Iterator[None]:
    """Print what is done, and how long it took."""
    began = time.monotonic()
    yield
    print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)


@contextmanager
def postgres(folder: Path, port: int) -> Iterator[None]:
    """Run a cluster of Debian's newest PostgreSQL with the two roles of deploy/database.sql."""
    programs = max(DEBIANS_POSTGRES.glob("*/bin"), key=lambda path: int(path.parent.name))
    folder.mkdir()
    shutil.chown(folder, "postgres")
    data = str(folder / "data")
    as_postgres = ("runuser", "-u", "postgres", "--")
    _run(*as_postgres, str(programs / "initdb"), "-D", data, "-A", "trust", "-U", "postgres")
    options = f"-p {port} -h 127.0.0.1 -k {folder}"
    control = (*as_postgres, str(programs / "pg_ctl"), "-D", data, "-w")
    _run(*control, "-o", options, "-l", str(folder / "log"), "start")
    try:
        words = [f"--set={name}='{name}-password'" for name in ROLES]
        there = ("-h", "127.0.0.1", "-p", str(port), "-U", "postgres")
        script = str(BASE_DIR / "deploy" / "database.sql")
        _run("psql", "-v", "ON_ERROR_STOP=1", *there, *words, "-f", script)
        yield
    finally:
        _run(*control, "-m", "fast", "stop")


def certificate(folder: Path) -> None:
    """Make a certificate for localhost that nobody else believes."""
    folder.mkdir()
    _run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        *("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")),
    )


def configure(site: Site, database_port: int, broker: str) -> str:
    """Write the site's environment; return the DATABASE_URL of the owner's role."""

    def database(role: str) -> str:
        return f"postgres://{ROLES[role]}:{role}-password@127.0.0.1:{database_port}/gallop"

    sandbox = free_port()
    site.environment |= {
        "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        "PUBLIC_URL": site.url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": database("site"),
        "REDIS_URL": f"{broker}/0",
        "TRUSTED_PROXIES": "127.0.0.1",
        "GALLOP_DATA": str(site.place / "data"),
        "SANDBOX_PORT": str(sandbox),
        "EMAIL_URL": "dummymail://",
        "LOG_FORMAT": "json",
        "LOG_REQUESTS": "1",
        "METRICS_TOKEN": "the-rehearsals-token",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
        "WEB_HOST": "127.0.0.1",
        "WEB_WORKERS": "1",
        # A site on this machine alone asks no browser to stay with HTTPS for a year.
        "DEPLOY_CHECK": "",
        # Ours and the sandbox's own requests believe this one certificate.
        "SSL_CERT_FILE": str(site.certificate),
        # The sandbox's side of the two secrets that it shares with us.
        "SANDBOX_URL": f"http://127.0.0.1:{sandbox}",
        "SANDBOX_DATA": str(site.place / "sandbox"),
        "SANDBOX_JOB_SECONDS": "3",
        "STRIPE_WEBHOOK_URL": f"{site.url}/hooks/stripe",
        "STRIPE_WEBHOOK_SECRET": "whsec_sandbox",
    }
    return database("owner")


def start(site: Site) -> None:
    """Start every part and wait until the site says that it is ready."""
    play = {"STRIPE_SECRET_KEY": "sk_test_sandbox", "WAVESPEED_API_KEY": "sandbox"}
    site.start("sandbox", sys.executable, "-m", "sandbox", **play)
    ports = [free_port(), free_port()]
    for number, port in enumerate(ports, start=1):
        site.start(f"web-{number}", "sh", "deploy/web.sh", PORT=str(port))
        site.start(f"worker-{number}", sys.executable, "manage.py", "qcluster")
    site.start("nginx", os.environ.get("NGINX", "nginx"), "-c", str(proxy(site, ports)))
    with browser(site) as visitor:
        wait_for(lambda: _quietly(lambda: visitor.get("/readyz").status_code == 200))


def proxy(site: Site, ports: list[int]) -> Path:
    """Write deploy/nginx.conf for this machine and return its path."""
    servers = "\n".join(f"server 127.0.0.1:{port} max_fails=2 fail_timeout=5s;" for port in ports)
    text = (BASE_DIR / "deploy" / "nginx.conf").read_text()
    text = text.replace("server web:8000 max_fails=2 fail_timeout=5s;", servers)
    text = text.replace("/etc/nginx/certificates", str(site.certificate.parent))
    text = text.replace("gallop.example", "localhost")
    text = re.sub(r"^    listen \[::\].*\n", "", text, flags=re.MULTILINE)
    text = text.replace("listen 443", f"listen 127.0.0.1:{site.port}")
    text = text.replace("listen 80", f"listen 127.0.0.1:{free_port()}")
    text = text.replace("proxy_set_header Host $host;", "proxy_set_header Host $http_host;")
    folder = site.place / "nginx"
    folder.mkdir()
    bodies = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{ worker_connections 1024; }}\n"
        f"http {{ access_log off; {bodies}\n"
        f"uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n{text}}}\n"
    )
    return path


def try_out(site: Site, database_port: int) -> None:
    """Do what customers and operators do."""
    opened = site.manage("open_account", EMAIL, "--password", PASSWORD)
    key = re.search(r'"api_key": "([^"]+)"', opened)
    assert key, opened
    with browser(site, Authorization=f"Bearer {key[1]}") as program, browser(site) as visitor:
        with said("a purchase at the checkout"):
            buy(visitor)
            wait_for(lambda: program.get("/api/v3/balance").json()["data"]["balance"] == 25)
        with said("a film"):
            watch(program, submit(program))
        with said(f"{SLOW_CONNECTIONS} slow bodies that keep nobody waiting"):
            slow_bodies(site, visitor)
        with said("four films, with one web server and one worker lost in the middle"):
            films = [submit(program) for _ in range(4)]
            site.kill("web-1")
            site.kill("worker-1")
            for film in films:
                watch(program, film)
        figures = visitor.get("/metrics", headers={"Authorization": "Bearer the-rehearsals-token"})
        with said("a web server that stops finishes what it has begun"):
            stop_politely(site, program)
        assert b"gallop_workers 1" in figures.content.replace(b".0", b""), figures.content[-900:]
    with said("a backup, restored and audited"):
        superuser = f"postgres://postgres@127.0.0.1:{database_port}/gallop"
        print(site.manage("drill", DATABASE_URL=superuser).strip(), flush=True)
    print(site.manage("audit").strip(), flush=True)
    assert '"level": "ERROR"' not in "".join(
        path.read_text() for path in site.place.glob("w*-2.log")
    )


@contextmanager
def browser(site: Site, **headers: str) -> Iterator[httpx.Client]:
    """Return a client that believes the certificate and follows redirects."""
    trust = ssl.create_default_context(cafile=str(site.certificate))
    with httpx.Client(
        base_url=site.url, verify=trust, headers=headers, timeout=60, follow_redirects=True
    ) as client:
        yield client


def buy(visitor: httpx.Client) -> None:
    """Sign in and pay $25 with a test card, as the forms of the pages want it."""
    _send(visitor, "/account/login/", login=EMAIL, password=PASSWORD)
    checkout = _send(visitor, "/billing", pack="25")
    assert "/pay/" in str(checkout.url), checkout.url
    paid = visitor.post(str(checkout.url), data={"email": EMAIL, **CARD})
    assert paid.status_code == 200, paid.text[:500]


def _send(visitor: httpx.Client, path: str, **fields: str) -> httpx.Response:
    page = visitor.get(path)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token, page.text[:500]
    secured = {"csrfmiddlewaretoken": token[1], **fields}
    answer = visitor.post(path, data=secured, headers={"Referer": str(page.url)})
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
    return answer


def submit(program: httpx.Client) -> str:
    """Upload a picture, ask for a film of 3 s, and return its id."""
    answer = program.post(MODEL, json=body(program))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["id"])


def body(program: httpx.Client, **more: object) -> dict[str, object]:
    """Upload a picture and return what asks for a film of 3 s that begins with it."""
    file = {"file": ("horse.jpg", draw(), "image/jpeg")}
    uploaded = program.post("/api/v3/media/upload/binary", files=file)
    image = uploaded.json()["data"]["download_url"]
    return {"image": image, "resolution": "720p", "duration": 3, **more}


def stop_politely(site: Site, program: httpx.Client) -> None:
    """Tell the last web server to stop while it answers: it finishes what it has begun."""
    wanted = body(program, enable_sync_mode=True)
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(program.post, MODEL, json=wanted)
        # The sandbox takes 3 s for a film, so the request is under way and not yet answered.
        time.sleep(1.5)
        assert not waiting.done(), waiting.result().text
        site.parts["web-2"].terminate()
        answer = waiting.result()
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["status"] == "completed", answer.text
    assert site.parts.pop("web-2").wait(STOP_SECONDS_MAX) == 0


def watch(program: httpx.Client, film: str) -> None:
    """Wait for the film and fetch it."""

    def look() -> Any:
        data = program.get(f"/api/v3/predictions/{film}/result").json()["data"]
        assert data["status"] != "failed", data
        return data["outputs"] if data["status"] == "completed" else None

    content = program.get(wait_for(look)[0]).content
    assert content[4:8] == b"ftyp", content[:40]


def slow_bodies(site: Site, visitor: httpx.Client) -> None:
    """Begin many bodies and never end them: others are answered as before."""
    trust = ssl.create_default_context(cafile=str(site.certificate))
    begun = (
        f"POST {MODEL} HTTP/1.1\r\nHost: localhost:{site.port}\r\nContent-Length: 100000\r\n"
        "Content-Type: application/json\r\n\r\n{"
    )
    with ExitStack() as lines:
        for _ in range(SLOW_CONNECTIONS):
            plain = lines.enter_context(socket.create_connection(("127.0.0.1", site.port), 10))
            line = lines.enter_context(trust.wrap_socket(plain, server_hostname="localhost"))
            line.sendall(begun.encode())
        for _ in range(20):
            began = time.monotonic()
            assert visitor.get("/readyz").status_code == 200
            assert time.monotonic() - began < QUICK_SECONDS


def wait_for(look: Callable[[], Any]) -> Any:
    """Return what `look` finds, asking again until it is something."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.3)
    raise AssertionError(f"nothing within {WAIT_SECONDS_MAX} s")


def _quietly(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except httpx.HTTPError:
        return False


def _run(*command: str, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=BASE_DIR, env=env, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
