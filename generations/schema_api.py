"""`GET /api/schema`: the description of the API, for programs."""

from collections.abc import Iterable
from typing import Any

import yaml
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generations.openapi.document import document

CACHE = "public, max-age=300"


class YamlRenderer(BaseRenderer):
    """YAML for people and for tools that like it."""

    media_type = "application/yaml"
    format = "yaml"

    def render(self, data: Any, *_: object, **__: object) -> bytes:
        """Return the text."""
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True).encode()


class JsonOrYaml(BaseContentNegotiation):
    """YAML when the request asks for it by name, JSON otherwise."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        """Return none: nothing is sent here."""
        del request, parsers

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the renderer and its media type."""
        del format_suffix
        as_json, as_yaml = renderers
        chosen = as_yaml if "yaml" in request.headers.get("Accept", "") else as_json
        return chosen, str(chosen.media_type)


class SchemaView(APIView):
    """The whole description; no key is needed."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (JSONRenderer, YamlRenderer)
    content_negotiation_class = JsonOrYaml

    def get(self, request: Request) -> Response:
        """Answer OpenAPI 3.1."""
        del request
        return Response(document(), headers={"Cache-Control": CACHE, "Vary": "Accept"})
