"""Errors of the API in one shape: `{"code": HTTP status, "message": a sentence, "data": …}`.

`data` always holds `request_id`, the name of the request in our logs, and beside it the figures
that a program can act on. The sentence says what to do.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from config import media, request_id

STORAGE_DOWN = "Pictures cannot be kept at the moment. Nothing was charged. Try again in a minute."
BROKEN = (
    "Something broke on our side and was logged. Try again in a minute. If it goes on, write to "
    "us and name the request id."
)
NOT_READ = "The request cannot be read. Check how it is written. Nothing was charged."
NOT_JSON = "The body is not valid JSON. Send one JSON object with the model's parameters."
NOT_A_FORM = "The form cannot be read. Send the picture as the multipart field 'file'."
NOTHING_HERE = "There is nothing here. Check the address."
NOT_YOURS = "This is not yours to do. Use a key of the account that it belongs to."
MULTIPART = "multipart/form-data"


class ApiError(exceptions.APIException):
    """An error with its own status, a sentence for a person, and figures for a program.

    `wait` is after how many seconds the same request may succeed.
    """

    def __init__(
        self,
        status_code: int,
        message: str,
        data: Mapping[str, Any] | None = None,
        *,
        wait: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.data = data
        self.wait = wait


def body(code: int, message: str, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the one shape."""
    named = {**(data or {}), "request_id": request_id.current()}
    return {"code": code, "message": message, "data": named}


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's exception handler; None lets a server error be logged as such."""
    if isinstance(error, media.StorageDown):
        error = ApiError(503, STORAGE_DOWN)
    elif isinstance(error, SuspiciousOperation | UnreadablePostError):
        error = ApiError(*_unreadable(error))
    elif isinstance(error, Http404):
        error = ApiError(404, str(error) or NOTHING_HERE)
    elif isinstance(error, PermissionDenied):
        error = ApiError(403, str(error) or NOT_YOURS)
    if not isinstance(error, exceptions.APIException):
        return None
    data = error.data if isinstance(error, ApiError) else None
    said = body(error.status_code, _sentence(error, context), data)
    return Response(said, status=error.status_code, headers=_headers(error))


def _headers(error: exceptions.APIException) -> dict[str, str]:
    # The framework notes on the error itself how to authenticate.
    scheme, wait = getattr(error, "auth_header", None), getattr(error, "wait", None)
    headers = {"WWW-Authenticate": scheme, "Retry-After": wait}
    return {name: str(value) for name, value in headers.items() if value}


def _sentence(error: exceptions.APIException, context: dict[str, Any]) -> str:
    if isinstance(error, exceptions.ParseError):
        return NOT_A_FORM if _media_type(context) == MULTIPART else NOT_JSON
    if isinstance(error, exceptions.UnsupportedMediaType):
        kind = _media_type(context)
        as_what = "a form" if kind == MULTIPART else "JSON"
        return f"Send the body as {as_what} with the header Content-Type: {kind}."
    if isinstance(error, exceptions.MethodNotAllowed):
        return f"{error.detail} {_instead(context)}".strip()
    if isinstance(error, exceptions.ValidationError):
        return _first(error.detail)
    return str(error.detail)


def _media_type(context: dict[str, Any]) -> str:
    """Return what kind of body the view reads."""
    parsers = getattr(context.get("view"), "parser_classes", ())
    return str(parsers[0].media_type) if parsers else "application/json"


def _instead(context: dict[str, Any]) -> str:
    methods = getattr(context.get("view"), "allowed_methods", [])
    usable = " or ".join(method for method in methods if method not in {"HEAD", "OPTIONS"})
    return f"Use {usable}." if usable else ""


def _first(detail: Any, field: str = "") -> str:
    """Return the first of a serializer's refusals as a sentence."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        return _first(inner, str(name))
    if isinstance(detail, list):
        return _first(detail[0], field)
    return f'field "{field}": {detail}' if field else str(detail)


def _unreadable(error: Exception) -> tuple[int, str]:
    """Return status and sentence for a request that Django itself refused to read."""
    if isinstance(error, DisallowedHost):
        return 400, f"The Host header names no address of ours. Use {settings.PUBLIC_URL}."
    if isinstance(error, RequestDataTooBig):
        return 413, "The body is too large. Send less in one request. Nothing was charged."
    if isinstance(error, TooManyFieldsSent | TooManyFilesSent):
        return 413, "The form has too many fields. Send less in one request."
    if isinstance(error, UnreadablePostError):
        return 400, "The body broke off. Send it again. Nothing was charged."
    return 400, NOT_READ


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400 or 413: JSON below /api/, a page elsewhere."""
    return _json(request, *_unreadable(exception)) or defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403: JSON below /api/, a page elsewhere."""
    return _json(request, 403, str(exception) or NOT_YOURS) or defaults.permission_denied(
        request, exception
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404: JSON below /api/, a page elsewhere."""
    message = f"There is nothing at {request.path}. Check the address."
    return _json(request, 404, message) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500: JSON below /api/, a page elsewhere."""
    return _json(request, 500, BROKEN) or defaults.server_error(request)


def _json(request: HttpRequest, code: int, message: str) -> HttpResponse | None:
    if not request.path.startswith("/api/"):
        return None
    return JsonResponse(body(code, message), status=code)
