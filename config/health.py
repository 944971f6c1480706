"""`/healthz`: this process answers. `/readyz`: so does everything it needs."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django_q.status import Stat
from redis.exceptions import RedisError

from config import media


def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's signature
    """Answer 200 as long as the process runs."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's signature
    """Answer 200, or 503 naming what is missing: database, broker, storage, worker."""
    missing = [name for name, ready in _checks().items() if not ready]
    status = "missing: " + ", ".join(missing) if missing else "ok"
    return JsonResponse({"status": status}, status=503 if missing else 200)


def _checks() -> dict[str, bool]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return {"database": False}
    try:
        worker = bool(Stat.get_all())
    except (DatabaseError, RedisError):
        return {"broker": False}
    return {"worker": worker, "storage": _storage_answers()}


def _storage_answers() -> bool:
    try:
        media.storage().check()
    except media.StorageDown:
        return False
    return True


urlpatterns = [path("healthz", healthz, name="healthz"), path("readyz", readyz, name="readyz")]
