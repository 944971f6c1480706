"""`/.well-known/security.txt`: where to tell of a weak spot. Source: RFC 9116."""

from datetime import timedelta
from email.utils import parseaddr

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe

# A reader asks again before that; the RFC wants less than a year.
GOOD_FOR = timedelta(days=180)


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's signature
    """Answer whom to write to: the operator, or else who our mails come from."""
    address = settings.OPERATOR_EMAIL or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    expires = (timezone.now() + GOOD_FOR).replace(microsecond=0, tzinfo=None)
    lines = [
        f"Contact: mailto:{address}",
        f"Expires: {expires.isoformat()}Z",
        f"Canonical: {settings.PUBLIC_URL}/.well-known/security.txt",
        "Preferred-Languages: en",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


urlpatterns = [path(".well-known/security.txt", security_txt, name="security_txt")]
