"""What an operation works with: the records, the moment, the addresses, and who asked."""

import secrets
import string
from dataclasses import dataclass

from sandbox.settings import Settings

from .errors import no_such
from .store import Json, Records

# The version that SDK 16.1.0 pins (`stripe.api_version`).
API_VERSION = "2026-10-28.endive"

ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Context:
    """One operation, inside one transaction. `now` is in seconds since the epoch."""

    records: Records
    settings: Settings
    now: float
    version: str = API_VERSION
    request_id: str | None = None
    idempotency_key: str | None = None

    @property
    def second(self) -> int:
        return int(self.now)

    def link(self, path: str) -> str:
        return f"{self.settings.url}{path}"

    def need(self, kind: str, identity: str, param: str = "id", status: int = 404) -> Json:
        """The object, or ApiError: 404 when the address names it, 400 when `param` does."""
        found = self.records.find(identity, kind)
        if found is None:
            raise no_such(kind, identity, param, status)
        return found


def fresh(prefix: str, length: int = 24) -> str:
    """A new id such as `pi_3hXk...`."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(length))}"
