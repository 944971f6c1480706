"""Puts the description together: walked by drf-spectacular, completed here."""

from copy import deepcopy
from functools import cache
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from rest_framework.views import APIView

from accounts.models import Scope
from config import openapi, openapi_errors
from generations import catalog
from generations.openapi import questions  # noqa: F401  says how questions look
from generations.openapi.calls import CALLS, of_models, path_of
from generations.openapi.events import webhooks
from generations.openapi.shapes import SHAPES
from generations.openapi.subjects import SUBJECTS

Json = dict[str, Any]
Endpoint = tuple[str, str, str, Any]

MODEL = "{model}"
RESULTS = {
    "/api/v3/predictions/{prediction_id}/result": Scope.READ,
    "/api/v3/predictions/{prediction_id}": Scope.READ,
}


@cache
def document() -> Json:
    """Return the whole of it, made once in a process."""
    openapi.Schema.described.update(CALLS)
    openapi.Schema.described.update(of_models())
    found: Json = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return found


def endpoints(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Name the calls to describe: one for each model in place of the address for all of them.

    Submitting and the result are views of their own kind, for speed: what can be described of
    them stands for them.
    """
    kept = [one for one in endpoints if _is_ours(one[0])]
    results = [_stand_in(path, "GET", scope) for path, scope in RESULTS.items()]
    models = catalog.MODELS.values()
    submits = [_stand_in(path_of(model), "POST", Scope.SUBMIT) for model in models]
    return [*submits, *results, *kept]


def complete(result: Json, **_: Any) -> Json:
    """Add what no single call says: the site, subjects, shared parts and webhooks."""
    result["info"]["description"] = openapi.INFO
    result["servers"] = [{"url": settings.PUBLIC_URL}]
    result["tags"] = [{"name": name, "description": words} for name, words in SUBJECTS.items()]
    result["webhooks"] = webhooks()
    parts = result["components"]
    parts["headers"] = openapi.HEADERS
    parts["responses"] = openapi_errors.responses()
    parts["schemas"] = {**SHAPES, "Error": openapi_errors.SCHEMA, **parts["schemas"]}
    # Readers may change what they get; the shared parts are ours.
    return deepcopy(result)


def _is_ours(path: str) -> bool:
    return path.startswith("/api/") and MODEL not in path and path not in RESULTS


def _stand_in(path: str, method: str, scope: Scope) -> Endpoint:
    def answer(*_: Any, **__: Any) -> None:
        """Describe, and do nothing."""

    view = type("StandIn", (APIView,), {"scope": scope, method.lower(): answer})
    return path, path, method, view.as_view()  # type: ignore[attr-defined]  # an APIView by its bases
