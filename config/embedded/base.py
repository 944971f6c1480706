"""Django's PostgreSQL backend, pointed at the embedded server when it first connects."""

from pathlib import Path
from typing import Any

from config.embedded import server
from config.postgres import base


class DatabaseWrapper(base.DatabaseWrapper):
    """As config.postgres; `OPTIONS["folder"]` is the server's data folder."""

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        folder = Path(params.pop("folder"))
        return {**params, "host": server.address(folder), "user": "postgres"}
