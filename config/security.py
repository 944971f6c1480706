"""The Content-Security-Policy of every page: own files only, no inline script or style."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config import media

# Our forms are answered with redirects to Stripe, or to where people sign in with what they have
# elsewhere, and browsers judge that by form-action.
_LED_TO = [settings.CHECKOUT_ORIGIN, settings.PORTAL_ORIGIN, *settings.SOCIAL_ORIGINS]
FORMS_LEAD_TO = " ".join(dict.fromkeys(_LED_TO))
# Pictures and films may come from the bucket's own address, which stands in place of {media}.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:{media}; media-src 'self' blob:{media}; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    f"form-action 'self' {FORMS_LEAD_TO}; base-uri 'none'; frame-ancestors 'none'"
)
# The admin's own package writes inline styles and evaluates expressions in its templates.
ADMIN_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


class ContentSecurityPolicyMiddleware:
    """Give every answer the policy of its part of the site."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        origin = media.storage().origin
        self.policy = POLICY.replace("{media}", f" {origin}" if origin else "")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        admin = request.path.startswith("/admin/")
        response.headers.setdefault(
            "Content-Security-Policy", ADMIN_POLICY if admin else self.policy
        )
        return response
