"""Error reports: off unless asked for, and without anything personal."""

import json
from pathlib import Path

from config import sentry
from tests.config.interpreter import local_environment, run, settings_of

REPORT = """
import json, logging, django
django.setup()
import sentry_sdk
from sentry_sdk.transport import Transport

sent = []

class Kept(Transport):
    def capture_envelope(self, envelope):
        sent.append(envelope.get_event())

sentry_sdk.get_client().transport = Kept(sentry_sdk.get_client().options)

def broken(prompt):
    raise ValueError("no film for gal_live_0123456789abcdef")

try:
    broken("a violet walrus")
except ValueError:
    logging.getLogger("gallop.tests").exception("Broke for %s.", "walter@example.org")
print(json.dumps(sent, default=str))
"""


def test_without_a_dsn_nothing_is_installed(tmp_path: Path) -> None:
    apps, dsn = settings_of(local_environment(tmp_path), "INSTALLED_APPS", "SENTRY_DSN")
    assert dsn == ""
    assert "config.sentry.Reports" not in apps


def test_a_report_has_the_error_and_nothing_personal(tmp_path: Path) -> None:
    environment = local_environment(tmp_path) | {
        "SENTRY_DSN": "https://0123456789abcdef0123456789abcdef@sentry.invalid/1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    done = run(REPORT, environment)
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)
    assert report["exception"]["values"][-1]["type"] == "ValueError"
    assert report["tags"]["request_id"] == "-"
    told = json.dumps({**report, "exception": _without_source(report["exception"])})
    for hidden in ("walrus", "walter", "0123456789abcdef", "server_name"):
        assert hidden not in told


def _without_source(exception: dict[str, object]) -> object:
    # Sentry shows our own lines of code, and this test's line names what it looks for.
    drop = {"context_line", "pre_context", "post_context"}

    def walk(value: object) -> object:
        if isinstance(value, dict):
            return {name: walk(inner) for name, inner in value.items() if name not in drop}
        if isinstance(value, list):
            return [walk(inner) for inner in value]
        return value

    return walk(exception)


def test_who_asked_and_with_what_stays_here() -> None:
    event = {
        "message": "Key gal_live_0123456789abcdef",
        "user": {"ip_address": "192.0.2.1"},
        "server_name": "web-1",
        "request": {
            "method": "POST",
            "url": "https://gallop.example/uploads/0123456789ab/x.jpg",
            "data": {"prompt": "a violet walrus"},
            "headers": {"Authorization": "Bearer x"},
            "cookies": "sessionid=x",
            "query_string": "signature=x",
            "env": {"REMOTE_ADDR": "192.0.2.1"},
        },
    }
    kept = sentry.scrubbed(event)
    assert kept["request"] == {"method": "POST"}
    assert kept["message"] == "Key gal_live_[hidden]"
    assert {"user", "server_name"}.isdisjoint(kept)
