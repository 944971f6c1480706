"""`/sitemap.xml`: the pages that anybody may find."""

from xml.sax.saxutils import escape

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from config import legal
from generations.docs_pages import GUIDES

NAMES = ("landing", "docs", "docs_api", "account_signup", "account_login", *legal.NAMES)


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's signature
    """List them as sitemaps.org writes it."""
    places = "".join(
        f"  <url><loc>{escape(settings.PUBLIC_URL + address)}</loc></url>\n"
        for address in addresses()
    )
    return HttpResponse(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        f"{places}</urlset>\n",
        content_type="application/xml",
    )


def addresses() -> list[str]:
    """Return the public pages' addresses, the most important first."""
    guides = [reverse("guide", args=[guide.slug]) for guide in GUIDES]
    return [*(reverse(name) for name in NAMES), *guides]
