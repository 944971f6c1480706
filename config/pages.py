"""A short cut for programs, past the middlewares that only pages need.

Programs have no session, no language, no messages and no forms. What stands between PagesBegin and
PagesEnd in settings.MIDDLEWARE is not asked for what lies below /api/.
"""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

NOTHING = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class PagesEnd:
    """Marks where the two ways meet again."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        PagesBegin.short_cut = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)


class PagesBegin:
    """Sends programs the short way, everybody else through the middlewares that follow."""

    # Django builds the chain from its end: when this is made, the end has just left its own here.
    short_cut: GetResponse

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.to_the_view = PagesBegin.short_cut

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/api/"):
            answer = self.to_the_view(request)
            # What a browser that is led there may make of it: nothing.
            answer.headers["Content-Security-Policy"] = NOTHING
            answer.headers["X-Frame-Options"] = "DENY"
            return answer
        return self.get_response(request)
