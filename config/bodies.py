"""How the API reads bodies and chooses the form of its answers.

A body that cannot be read is refused with what is wrong with it, before anything else looks at
it; an answer is JSON, whatever the request says that it accepts.
"""

import json
from collections.abc import Iterable, Mapping
from typing import IO, Any, NoReturn

from django.http import HttpRequest
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from config.errors import ApiError

# Pictures come as addresses or uploads: no JSON body of ours comes near it.
JSON_BYTES_MAX = 1024 * 1024


class JsonParser(BaseParser):
    """Reads JSON strictly, and not a byte more than JSON_BYTES_MAX and one."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value. Raises ApiError 400 or 413."""
        del media_type, parser_context
        return _read(stream)


def json_of(request: HttpRequest) -> Any:
    """Return what the body of a request says, {} without one, as the parser does.

    Raises ApiError 400 or 413, UnsupportedMediaType.
    """
    if request.META.get("CONTENT_LENGTH") in {None, "", "0"}:
        return {}
    if request.content_type != JsonParser.media_type:
        raise UnsupportedMediaType(str(request.content_type))
    return _read(request)


class AlwaysJson(DefaultContentNegotiation):
    """Answers in the view's own form, whatever the request accepts or asks for."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Return the first."""
        del request, format_suffix
        first = next(iter(renderers))
        return first, str(first.media_type)


def _read(stream: IO[bytes] | HttpRequest) -> Any:
    raw = stream.read(JSON_BYTES_MAX + 1)
    if len(raw) > JSON_BYTES_MAX:
        raise ApiError(
            413,
            f"The body is larger than {JSON_BYTES_MAX} bytes. Upload pictures to "
            "/api/v3/media/uploads and send their addresses.",
        )
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise ApiError(
            400, f"The body is not UTF-8: byte {error.start} fits no letter. Send UTF-8."
        ) from error
    except RecursionError as error:
        raise ApiError(
            400, "The body is nested too deeply. Send one JSON object with plain values."
        ) from error
    except ValueError as error:
        raise ApiError(400, _not_json(error)) from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _not_json(error: ValueError) -> str:
    where = ""
    if isinstance(error, json.JSONDecodeError):
        where = f" (line {error.lineno}, column {error.colno})"
    return f"The body is not valid JSON{where}. Send one JSON object with the model's parameters."
