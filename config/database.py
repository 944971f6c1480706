"""Which PostgreSQL: the one of DATABASE_URL, or the embedded one below the data folder."""

import sys
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from config.embedded.server import DATABASE_NAME

POOL_CONNECTIONS_MAX = 16
POOL_WAIT_SECONDS = 10


def configure(env: environ.Env, data: Path) -> dict[str, Any]:
    """Return the entry for settings.DATABASES["default"].

    No connection is made and no server started here: that happens on first use. Raises
    ImproperlyConfigured for another kind of database.
    """
    if env.str("DATABASE_URL", default=""):
        database: dict[str, Any] = env.db_url("DATABASE_URL")
        if database["ENGINE"] != "django.db.backends.postgresql":
            raise ImproperlyConfigured(
                "DATABASE_URL must name a PostgreSQL: postgres://user:password@host:5432/gallop. "
                "Unset it to use the embedded one."
            )
    else:
        database = {"ENGINE": "config.embedded", "NAME": DATABASE_NAME}
        database["OPTIONS"] = {"folder": str(data / "postgres")}
    return database | _reuse(database.get("OPTIONS", {}))


def keep(database: dict[str, Any]) -> None:
    """Have each thread keep a connection of its own: for a web server with a few that stay.

    A pool would be asked, and its connection tried, at each request.
    """
    database["OPTIONS"].pop("pool", None)
    database["CONN_MAX_AGE"] = None
    if database["ENGINE"] == "django.db.backends.postgresql":
        database["ENGINE"] = "config.postgres"


def _reuse(options: dict[str, Any]) -> dict[str, Any]:
    # The worker's cluster forks: a pool's threads do not survive that, and its sockets would
    # be shared. There each process keeps one connection of its own.
    if "qcluster" in sys.argv:
        return {"OPTIONS": options, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    pool = {"min_size": 1, "max_size": POOL_CONNECTIONS_MAX, "timeout": POOL_WAIT_SECONDS}
    return {"OPTIONS": {**options, "pool": pool}, "CONN_HEALTH_CHECKS": True}
