"""What the stand-ins read from the environment, once, at start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Settings:
    """One sandbox: where it listens, where it keeps its state, and the keys it accepts.

    `url` is the address it puts into the links it hands out, without a slash at the end.
    `job_seconds` is how long a video job takes. `concurrency` and `per_minute` are the tier's
    limits on jobs; 0 turns a limit off. With `film_once` a film is rendered once for its size and
    length, and every job gets a copy with its own id at the end: for runs with many jobs.
    """

    port: int = 8001
    host: str = "127.0.0.1"
    url: str = "http://127.0.0.1:8001"
    data: Path = Path("var/sandbox")
    job_seconds: float = 4.0
    concurrency: int = 0
    per_minute: int = 0
    film_once: bool = False
    wavespeed_api_key: str = "sandbox"
    stripe_secret_key: str = "sk_test_sandbox"  # noqa: S105 - a stand-in's well-known key
    stripe_webhook_url: str = "http://127.0.0.1:8000/hooks/stripe"
    stripe_webhook_secret: str = "whsec_sandbox"  # noqa: S105 - as above

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ValueError when a number is not one. An empty variable counts as unset."""

        def read(name: str, default: object) -> str:
            # Shells and compose files pass on what is unset as an empty text.
            return environment.get(name) or str(default)

        port = int(read("SANDBOX_PORT", cls.port))
        return cls(
            port=port,
            host=read("SANDBOX_HOST", cls.host),
            url=read("SANDBOX_URL", f"http://127.0.0.1:{port}").rstrip("/"),
            data=Path(read("SANDBOX_DATA", cls.data)),
            job_seconds=float(read("SANDBOX_JOB_SECONDS", cls.job_seconds)),
            concurrency=int(read("SANDBOX_CONCURRENCY", cls.concurrency)),
            per_minute=int(read("SANDBOX_PER_MINUTE", cls.per_minute)),
            film_once=read("SANDBOX_FILM_ONCE", 0) != "0",
            wavespeed_api_key=read("WAVESPEED_API_KEY", cls.wavespeed_api_key),
            stripe_secret_key=read("STRIPE_SECRET_KEY", cls.stripe_secret_key),
            stripe_webhook_url=read("STRIPE_WEBHOOK_URL", cls.stripe_webhook_url),
            stripe_webhook_secret=read("STRIPE_WEBHOOK_SECRET", cls.stripe_webhook_secret),
        )
