"""What is written to the console, and how: one line a record, with the id of its request."""

from typing import Any

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": "{asctime} {levelname} {name} [{request_id}]: {message}",
            "style": "{",
        }
    },
    "filters": {
        "request_id": {"()": "config.request_id.RequestIdFilter"},
        # A site that is not ready yet says so by 503, every second of its start: no error.
        "readiness": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: "/readyz" not in record.args,
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["readiness", "request_id"],
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # httpx logs every request with its address; ours carry signatures.
        "httpx": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
    },
}
