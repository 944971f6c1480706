"""Django's deployment checks on the settings of a public site: `python -m tests.deploy_check`.

Part of `make lint`. No connection is made: the names in here are examples.
"""

import os
import secrets
import subprocess
import sys

from config.settings import BASE_DIR

PRODUCTION = {
    "PUBLIC_URL": "https://gallop.example",
    "SECRET_KEY": secrets.token_urlsafe(64),
    "DATABASE_URL": "postgres://gallop:word@database.example/gallop",
    "WAVESPEED_API_KEY": "wavespeed-live-key",
    "STRIPE_SECRET_KEY": "sk_live_example",
    "STRIPE_WEBHOOK_SECRET": "whsec_example",
}
# What this machine sets for itself must not leak into the picture of a production site.
KEPT = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")


def production_environment() -> dict[str, str]:
    """Return the whole environment of a public site with real outside services."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | PRODUCTION


def main() -> int:
    """Run the checks and return their exit status; a warning counts as a failure."""
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(
        command, cwd=BASE_DIR, env=production_environment(), check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
