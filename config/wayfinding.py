"""What browsers and search engines ask a site for at fixed addresses."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

# Every address below these needs a key, a signature or an operator.
CLOSED = ("/admin/", "/api/v3/", "/hooks/", "/uploads/")
INK = "#0b0b0d"
ICONS = (
    ("brand/favicon.svg", "any", "image/svg+xml"),
    ("brand/touch-icon.png", "180x180", "image/png"),
    ("brand/icon-512.png", "512x512", "image/png"),
)


class Favicon(RedirectView):
    """The brand's mark."""

    def get_redirect_url(self, *_: object, **__: object) -> str:
        """Return its address, which changes with its content."""
        return static("brand/favicon-32.png")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's signature
    """Tell search engines where there is nothing for them."""
    closed = "".join(f"Disallow: {prefix}\n" for prefix in CLOSED)
    sitemap = f"Sitemap: {settings.PUBLIC_URL}/sitemap.xml\n"
    words = f"User-agent: *\n{closed}\n{sitemap}"
    return HttpResponse(words, content_type="text/plain; charset=utf-8")


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's signature
    """Describe the site to a phone that keeps it beside its apps."""
    return JsonResponse(
        {
            "name": "Gallop",
            "short_name": "Gallop",
            "description": _("One picture in. A film out."),
            "start_url": reverse("create"),
            "display": "minimal-ui",
            "background_color": INK,
            "theme_color": INK,
            "icons": [
                {"src": static(name), "sizes": sizes, "type": kind} for name, sizes, kind in ICONS
            ],
        },
        content_type="application/manifest+json",
    )


urlpatterns = [
    path("robots.txt", robots, name="robots_txt"),
    path("manifest.webmanifest", manifest, name="manifest"),
    # Browsers ask here, whatever the page says.
    path("favicon.ico", Favicon.as_view()),
]
