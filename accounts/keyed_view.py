"""Views that programs call so often that Django REST framework's ways are worth a short cut.

The checks are the framework's, from the same functions and in the same order: key, address, scope,
rates. What is left out is what the framework could do and these views never need: a choice of
parsers, renderers and versions, and a request wrapped in another one.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.views import APIView

from accounts import rates
from accounts.authentication import admitted, check_scope
from accounts.keys import NO_QUESTION, Question
from accounts.models import ApiKey
from config import bodies
from config.limits import tier_of

_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Call:
    """A request that was let in, the key that it came with, and the answer to the question."""

    request: HttpRequest
    key: ApiKey
    answer: Any

    @property
    def data(self) -> Any:
        """The body, read anew each time. Raises ApiError or UnsupportedMediaType."""
        return bodies.json_of(self.request)


class KeyedView(APIView):
    """Has `on_get` or `on_post`, which take a Call and return what the envelope holds."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer; all that is neither the GET nor the POST of this view is the framework's."""
        # The server sends no body with the answer to a HEAD.
        method = "get" if request.method == "HEAD" else str(request.method).lower()
        handler = getattr(self, f"on_{method}", None)
        if handler is None:
            return super().dispatch(request, *args, **kwargs)
        self.request, self.args, self.kwargs = request, args, kwargs  # type: ignore[assignment]  # for the framework's own handling of errors
        self.headers: dict[str, str] = {}
        try:
            beside = self.question(*args, **kwargs)
            data = handler(self._let_in(request, beside), *args, **kwargs)
        except Exception as error:  # noqa: BLE001  handle_exception raises what it does not know
            refused = self.handle_exception(error)
            return self._answer(refused.data, refused.status_code, dict(refused.headers))
        return self._answer({"code": 200, "message": "success", "data": data}, 200, {})

    @property
    def allowed_methods(self) -> list[str]:
        """What the framework tells in `Allow`, which does not know of `on_get` and `on_post`."""
        reads = ["GET", "HEAD"] if hasattr(self, "on_get") else []
        writes = ["POST"] if hasattr(self, "on_post") else []
        return [*reads, *writes, *super().allowed_methods]

    def question(self, *_: Any, **__: Any) -> Question:
        """Return what to ask the database in the round trip that looks the key up."""
        return NO_QUESTION

    def _let_in(self, request: HttpRequest, beside: Question) -> Call:
        key, counts, answer = admitted(request, beside)
        check_scope(key, self)
        tier = tier_of(key.account.paid_micros)
        self.headers.update(rates.headers(tier, counts))
        if refusal := rates.refused(tier, counts):
            raise refusal
        return Call(request, key, answer)

    def _answer(self, data: Any, status: int, headers: dict[str, str]) -> HttpResponse:
        headers = {**headers, **self.headers, "Content-Type": "application/json"}
        return HttpResponse(_as_json(data).encode(), status=status, headers=headers)
