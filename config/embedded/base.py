"""Django's PostgreSQL backend, pointed at the embedded server when it first connects."""

from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base

from config.embedded import server


class DatabaseWrapper(base.DatabaseWrapper):
    """As django.db.backends.postgresql; `OPTIONS["folder"]` is the server's data folder."""

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        folder = Path(params.pop("folder"))
        return {**params, "host": server.address(folder), "user": "postgres"}
