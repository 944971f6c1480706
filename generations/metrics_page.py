"""`/metrics`: the site's figures, for the operator's Prometheus and nobody else."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from generations import figures


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the figures to who sends METRICS_TOKEN as a bearer; to others there is nothing here.

    Without a token there is nothing either, except on a site that is this machine's own.
    """
    if not _is_ours(request):
        raise Http404
    return HttpResponse(figures.text(), content_type=CONTENT_TYPE_LATEST)


def _is_ours(request: HttpRequest) -> bool:
    if not settings.METRICS_TOKEN:
        return settings.LOCAL
    expected = f"Bearer {settings.METRICS_TOKEN}"
    return constant_time_compare(request.headers.get("Authorization", ""), expected)
