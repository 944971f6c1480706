"""A short cut for programs, past the middlewares that only pages need.

Programs have no session, no language, no messages and no forms. What stands between PagesBegin and
PagesEnd in settings.MIDDLEWARE is not asked for what lies below /api/.
"""

from collections.abc import Callable
from io import BytesIO

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware

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
    """Sends programs the short way, everybody else through the middlewares that follow.

    Those refuse a host that is not ours, and lead to TLS where the site has it: a program that
    needs either goes that way too.
    """

    # Django builds the chain from its end: when this is made, the end has just left its own here.
    short_cut: GetResponse

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.to_the_view = PagesBegin.short_cut
        self.headers = _headers()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not _may_take_the_short_way(request):
            return self.get_response(request)
        answer = self.to_the_view(request)
        for name, value in self.headers.items():
            answer.headers[name] = value
        if isinstance(answer, HttpResponse):
            answer.headers["Content-Length"] = str(len(answer.content))
        return answer


def _may_take_the_short_way(request: HttpRequest) -> bool:
    if not request.path_info.startswith("/api/"):
        return False
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return False
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


def _headers() -> dict[str, str]:
    """Return what Django says to browsers with every answer, and that this one is no page."""
    scheme = "https" if settings.SECURE_SSL_REDIRECT else "http"
    asked = WSGIRequest(
        {"REQUEST_METHOD": "GET", "wsgi.url_scheme": scheme, "wsgi.input": BytesIO()}
    )
    told = SecurityMiddleware(lambda _: HttpResponse()).process_response(asked, HttpResponse())
    headers = dict(told.headers)
    del headers["Content-Type"]
    return {**headers, "Content-Security-Policy": NOTHING, "X-Frame-Options": "DENY"}
