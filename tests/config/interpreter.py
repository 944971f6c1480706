"""Reading the settings in a process of its own, with an environment of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from config.settings import BASE_DIR
from tests.deploy_check import production_environment

SECONDS_MAX = 60


def local_environment(data: Path) -> dict[str, str]:
    """The environment of a first start: nothing set but where the data goes."""
    return {"PATH": os.environ["PATH"], "GALLOP_DATA": str(data)}


def public_environment(data: Path) -> dict[str, str]:
    """The environment of a public site."""
    return production_environment() | {"GALLOP_DATA": str(data)}


def run(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run Python code with exactly this environment."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def settings_of(environment: dict[str, str], *names: str) -> Any:
    """The values of these settings, as JSON carries them."""
    code = (
        "import json; from config import settings;"
        f"print(json.dumps([getattr(settings, name) for name in {list(names)}], default=str))"
    )
    done = run(code, environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
