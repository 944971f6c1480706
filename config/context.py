"""What every page may show about the site itself."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:  # noqa: ARG001  Django's signature
    """Return `sandbox` (whether both outside services are stand-ins), `public_url`, `languages`."""
    return {
        "sandbox": settings.SANDBOX,
        "public_url": settings.PUBLIC_URL,
        "languages": settings.LANGUAGES,
    }
