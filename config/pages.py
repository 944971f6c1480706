"""A short cut for programs, past the middlewares that only pages need.

Programs have no session, no language, no messages and no forms. What stands between PagesBegin and
PagesEnd in settings.MIDDLEWARE is not asked for what lies below /api/.
"""

from collections.abc import Callable

from django.conf import settings
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
    """Sends programs the short way, everybody else through the middlewares that follow.

    A program that comes without TLS to a site that has it is sent away there like everybody else.
    """

    # Django builds the chain from its end: when this is made, the end has just left its own here.
    short_cut: GetResponse

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.to_the_view = PagesBegin.short_cut
        self.headers = _headers()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/api/") or _must_turn_to_tls(request):
            return self.get_response(request)
        # Raises for a host that is not ours.
        request.get_host()
        answer = self.to_the_view(request)
        for name, value in self.headers.items():
            answer.headers[name] = value
        return answer


def _headers() -> dict[str, str]:
    """Return what a browser that is led to an answer may make of it: nothing."""
    headers = {
        "Content-Security-Policy": NOTHING,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": str(settings.SECURE_REFERRER_POLICY),
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if settings.SECURE_SSL_REDIRECT and settings.SECURE_HSTS_SECONDS:
        lasting = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        headers["Strict-Transport-Security"] = lasting
    return headers


def _must_turn_to_tls(request: HttpRequest) -> bool:
    return bool(settings.SECURE_SSL_REDIRECT) and not request.is_secure()
