"""What every page may show about the site itself."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:  # noqa: ARG001  Django's signature
    """Return `sandbox` (True when both outside services are stand-ins) and `public_url`."""
    return {"sandbox": settings.SANDBOX, "public_url": settings.PUBLIC_URL}
