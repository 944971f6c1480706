"""The language of the pages: the user's own choice, else a cookie, else what the browser asks for.

The operator's rooms speak English.
"""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from accounts.models import User

OPERATORS = ("/admin/", "/styleguide")
ENGLISH = "en"

GetResponse = Callable[[HttpRequest], HttpResponse]


class LanguageMiddleware:
    """Speaks one language for one request; what else runs in this process speaks English."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = of_request(request)
        with translation.override(language, deactivate=True):
            response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        response.headers.setdefault("Content-Language", language)
        return response


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Take the language of the button that was pressed, and return to its page."""
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        raise BadRequest("There is no button for this language.")
    if isinstance(request.user, User):
        request.user.language = language
        request.user.save(update_fields=["language"])
    # Also for the time after signing out. The page is the one that the browser names as its origin.
    return set_language(request)


def of_request(request: HttpRequest) -> str:
    """Return the language in which a request is answered, one of settings.LANGUAGES."""
    if request.path_info.startswith(OPERATORS):
        return ENGLISH
    # Visitors without a session cost nothing here.
    if settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(request.user, User):
        return of_user(request.user, translation.get_language_from_request(request))
    return translation.get_language_from_request(request)


def of_user(user: User | None, otherwise: str = ENGLISH) -> str:
    """Return the language that somebody has chosen, and that we still speak."""
    chosen = user.language if user else ""
    return chosen if chosen in dict(settings.LANGUAGES) else otherwise
