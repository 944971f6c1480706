"""Errors of the API in one shape: `{"code": HTTP status, "message": a sentence, "data"?: …}`."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler


class ApiError(exceptions.APIException):
    """An error with its own status, a sentence for a person, and figures for a program."""

    def __init__(self, status_code: int, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.data = data


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's exception handler; None lets a server error be logged as such."""
    response = exception_handler(error, context)
    if response is None:
        return None
    body: dict[str, Any] = {"code": response.status_code, "message": _sentence(error)}
    if isinstance(error, ApiError) and error.data is not None:
        body["data"] = error.data
    response.data = body
    return response


def _sentence(error: Exception) -> str:
    if isinstance(error, exceptions.ParseError):
        return "The body is not valid JSON. Send one JSON object with the model's parameters."
    if isinstance(error, exceptions.UnsupportedMediaType):
        return "Send the body as JSON with the header Content-Type: application/json."
    if isinstance(error, exceptions.APIException) and isinstance(error.detail, str):
        return str(error.detail)
    return str(error) or "There is nothing here."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400: JSON below /api/, a page elsewhere."""
    message = "The request cannot be read; its body may be too large. Nothing was charged."
    return _json(request, 400, message) or defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404: JSON below /api/, a page elsewhere."""
    message = f"There is nothing at {request.path}."
    return _json(request, 404, message) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500: JSON below /api/, a page elsewhere."""
    message = "Something broke on our side and was logged. Try again in a minute."
    return _json(request, 500, message) or defaults.server_error(request)


def _json(request: HttpRequest, code: int, message: str) -> HttpResponse | None:
    if not request.path.startswith("/api/"):
        return None
    return JsonResponse({"code": code, "message": message}, status=code)
