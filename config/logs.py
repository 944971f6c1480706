"""What is written to the console, and how: one record a line, with the id of its request.

LOG_FORMAT=line is for people, LOG_FORMAT=json for machines: one JSON object a line with time,
level, logger, message, request_id, and what is known of account, key and job.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from config.redaction import redacted

FORMS = ("line", "json")


class Line(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record without secrets, and behind it what it is about."""
        about = " ".join(f"{name}={fact}" for name, fact in _facts(record).items())
        text = super().format(record)
        head, newline, rest = text.partition("\n")
        return redacted(f"{head} ({about}){newline}{rest}" if about else text)


class Json(logging.Formatter):
    """A line for machines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one JSON object without secrets."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", "-"),
            **_facts(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        # Before they are escaped: what follows a line's end must still look like one.
        safe = {name: redacted(value) for name, value in entry.items()}
        return json.dumps(safe, ensure_ascii=False)


def configure(env: environ.Env, *, local: bool) -> dict[str, Any]:
    """Return Django's LOGGING in the form that LOG_FORMAT names; unset, json on a public site.

    Raises ImproperlyConfigured.
    """
    form = env.str("LOG_FORMAT", default="line" if local else "json")
    if form not in FORMS:
        raise ImproperlyConfigured(f"LOG_FORMAT is line or json, not {form!r}.")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "config.logs.Line",
                "format": "{asctime} {levelname} {name} [{request_id}]: {message}",
                "style": "{",
            },
            "json": {"()": "config.logs.Json"},
        },
        "filters": {
            "request_id": {"()": "config.request_id.RequestIdFilter"},
            "context": {"()": "config.log_context.ContextFilter"},
            # A site that is not ready yet says so by 503, every second of its start: no error.
            "readiness": {
                "()": "django.utils.log.CallbackFilter",
                "callback": _is_no_readiness,
            },
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["readiness", "request_id", "context"],
            }
        },
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
            # httpx logs every request with its address; ours carry signatures.
            "httpx": {"level": "WARNING"},
            "stripe": {"level": "WARNING"},
            # The library logs what it sends, keys included, below this.
            "botocore": {"level": "WARNING"},
        },
    }


def _is_no_readiness(record: logging.LogRecord) -> bool:
    return "/readyz" not in (record.args or ())


def _facts(record: logging.LogRecord) -> dict[str, str]:
    facts: dict[str, str] = getattr(record, "facts", {})
    return facts
