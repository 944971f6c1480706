"""A name for each request: in the answer's header, in the body of an error, in every log line."""

import logging
import random
import re
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from config import log_context, visitors

HEADER = "X-Request-Id"
GIVEN = "HTTP_X_REQUEST_ID"
NONE = "-"

_GOOD = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_current: ContextVar[str] = ContextVar("request_id", default=NONE)


def current() -> str:
    """Return the id of the request that is being answered, "-" outside of one."""
    return _current.get()


class RequestIdMiddleware:
    """Names each request. A proxy of ours may have named it already; nobody else may."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = _given(request) or _new()
        # Django logs an answer after the last middleware: then only the request knows its name.
        request.META[HEADER] = name
        token = _current.set(name)
        try:
            with log_context.bound():
                response = self.get_response(request)
        finally:
            _current.reset(token)
        response.headers[HEADER] = name
        return response


class RequestIdFilter(logging.Filter):
    """Gives every log record its `request_id`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, with the id."""
        request = getattr(record, "request", None)
        known = request.META.get(HEADER) if isinstance(request, HttpRequest) else None
        record.request_id = known or current()
        return True


def _new() -> str:
    # Nobody must be kept from guessing it, and asking the system for chance lets other threads in.
    return f"{random.getrandbits(128):032x}"


def _given(request: HttpRequest) -> str:
    name = request.META.get(GIVEN, "")
    if not name:
        return ""
    peer = visitors.peer_of(request)
    trusted = peer is not None and visitors.is_proxy(peer)
    return name if trusted and _GOOD.fullmatch(name) else ""
