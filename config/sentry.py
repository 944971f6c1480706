"""Error reports to Sentry: only with SENTRY_DSN, and without anything personal.

This app is installed only then; see config.settings. No request body, header, cookie, address of
a visitor, query or local variable leaves the house, and every text goes through redaction.
"""

from typing import Any

import sentry_sdk
from django.apps import AppConfig
from django.conf import settings
from sentry_sdk.integrations.django import DjangoIntegration

from config import log_context, request_id
from config.redaction import redacted

REQUEST_PARTS_KEPT = ("method",)
TEXT_DEPTH_MAX = 20


class Reports(AppConfig):
    """Starts the client when Django starts."""

    name = "config"
    label = "error_reports"

    def ready(self) -> None:
        """Begin to send."""
        sentry_sdk.init(
            dsn=settings.SENTRY_DSN,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            traces_sample_rate=0.0,
            # Not whatever else happens to be installed.
            auto_enabling_integrations=False,
            integrations=[DjangoIntegration()],
            before_send=scrubbed,
            before_breadcrumb=_without_data,
        )


def scrubbed(event: Any, _hint: Any = None) -> Any:
    """Return the event without who asked and with what; with request id, account and job."""
    request = event.pop("request", {})
    event.pop("user", None)
    event.pop("server_name", None)
    event["request"] = {name: request[name] for name in REQUEST_PARTS_KEPT if name in request}
    tags = {**log_context.current(), "request_id": request_id.current()}
    return _clean({**event, "tags": tags})


def _without_data(crumb: Any, _hint: Any = None) -> Any:
    return {**crumb, "data": {}}


def _clean(value: Any, depth: int = 0) -> Any:
    """Redact every text within; what is nested too deeply is left out."""
    if depth > TEXT_DEPTH_MAX:
        return None
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {name: _clean(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner, depth + 1) for inner in value]
    return value
