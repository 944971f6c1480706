"""One line a request: method, route, status and milliseconds; on by default on a public site.

The route is the pattern and not the address: addresses of films, uploads and mails are permissions.
"""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)

# Asked every few seconds by machines.
SILENT = {"healthz", "readyz", "metrics"}
NO_ROUTE = "(no route)"


class AccessLogMiddleware:
    """Notes each request once it is answered: inside RequestIdMiddleware, outside all else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        if match is None or match.url_name not in SILENT:
            route = f"/{match.route}" if match else NO_ROUTE
            facts = {
                "method": str(request.method),
                "route": route,
                "status": str(response.status_code),
                "ms": f"{(time.perf_counter() - began) * 1000:.1f}",
            }
            logger.info("Answered.", extra={"facts": facts})
        return response
