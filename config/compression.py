"""Pages are sent compressed: a page of 25 kB takes one round trip instead of two.

Only whole pages are. Films, pictures and archives are packed already, and are sent in ranges.
"""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressPages(GZipMiddleware):
    """Django's own compression, whose random filling hides how well a secret was guessed."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Return the answer, compressed if it is a page and the reader takes that."""
        if response.streaming or not _is_page(response):
            return response
        return super().process_response(request, response)


def _is_page(response: HttpResponseBase) -> bool:
    return response.headers.get("Content-Type", "").startswith("text/html")
