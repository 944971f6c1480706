"""How the API is described in OpenAPI 3.1: the shapes that all its calls share.

A call is described by a `Described`, found by its method and path; drf-spectacular walks the URL
configuration and asks for each. What the code knows already is not said twice: the scope stands on
the view, the fields of a question in its serializer, a model's inputs in the catalogue.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.serializers import Serializer

from config import openapi_errors

Json = dict[str, Any]

VERSION = "3.1.0"
JSON = "application/json"
KEY = "key"

INFO = """\
Gallop makes films from pictures and from words. You pay for the seconds of a finished film and for
nothing else: whatever fails costs nothing.

**Answers.** A call that worked answers 200 with `{"code": 200, "message": "success", "data": …}`.
Every error has the one shape `{"code": …, "message": …, "data": {"request_id": …}}`: `code` is the
HTTP status, `message` says what to do, and `data` holds figures for a program. Also where there is
nothing (404), and where an address does not know the method (405, with `Allow`).

**Keys.** Send `Authorization: Bearer <key>`. A key has scopes: `submit` makes films, `read` sees
films and prices, `billing` sees the balance and what was charged.

**Protocol.** It is WaveSpeed's: their official clients work here once they know our address.
"""

HEADERS: Json = {
    "RequestId": {
        "description": "The name of this request in our logs. Name it when you write to us.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
        "example": "0b6f2d4c9a1e4f7e8c5d3b2a19087f6e",
    },
    "RateLimit": {
        "description": "How many requests are left to the key and to the account (`r`), and for "
        "how many seconds still (`t`): draft-ietf-httpapi-ratelimit-headers.",
        "schema": {"type": "string"},
        "example": '"key";r=599;t=41, "account";r=1180;t=41',
    },
    "RateLimitPolicy": {
        "description": "How many requests (`q`) the key and the account may make in a window of "
        "so many seconds (`w`).",
        "schema": {"type": "string"},
        "example": '"key";q=600;w=60, "account";q=1200;w=60',
    },
    "RetryAfter": {
        "description": "After how many seconds the same request may succeed.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 41,
    },
    "Authenticate": {
        "description": "How to prove who you are.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
    },
    "Replayed": {
        "description": "`true` when this is the kept answer to an earlier request of the same "
        "Idempotency-Key. Absent otherwise.",
        "schema": {"type": "string", "const": "true"},
    },
}

IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Any text of your own, such as a UUID. The same request with the same key is "
    "answered again and not done again, for 24 hours; another request with it is 409.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
    "example": "5e8f4c0e-7f0a-4d4e-9a55-6a2d8f6a1c11",
}


def ref(kind: str, name: str) -> Json:
    """Return the reference to a shared part, such as ("schemas", "Prediction")."""
    return {"$ref": f"#/components/{kind}/{name}"}


def envelope(data: Json) -> Json:
    """Return the schema of a good answer that carries this."""
    return {
        "type": "object",
        "properties": {
            "code": {"type": "integer", "const": 200},
            "message": {"type": "string", "const": "success"},
            "data": data,
        },
        "required": ["code", "message", "data"],
    }


def enveloped(data: Any) -> Json:
    """Return the example of a good answer that carries this."""
    return {"code": 200, "message": "success", "data": data}


@dataclass(frozen=True)
class Body:
    """What a request carries: a schema or a serializer by media type, and named examples."""

    content: Mapping[str, Json | type[Serializer[Any]]]
    examples: Mapping[str, Any] = field(default_factory=dict)
    required: bool = True


@dataclass(frozen=True)
class Described:
    """One call in words and schemas.

    `content` is what a good answer holds, by media type; `refusals` are the statuses beyond those
    that every call of its kind can have; `links` name calls that go on from the answer.
    """

    id: str
    subject: str
    summary: str
    description: str
    answer: str
    content: Mapping[str, Json]
    examples: Mapping[str, Any]
    parameters: tuple[Json, ...] = ()
    body: Body | None = None
    refusals: tuple[int, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    links: Json = field(default_factory=dict)


def answering(data: Json, example: Any, **more: Any) -> Json:
    """Return the arguments of a Described that say: it answers this data in our envelope."""
    examples = more or {"answer": example}
    return {
        "content": {JSON: envelope(data)},
        "examples": {name: enveloped(value) for name, value in examples.items()},
    }


class Undescribed(LookupError):
    """A call of the API that nobody described."""

    def __init__(self, call: str) -> None:
        super().__init__(f"{call} is not described. Add it to generations/openapi/calls.py.")


class Schema(AutoSchema):
    """Builds the operation of each call from its description and its view."""

    # By "GET /api/v3/balance"; generations.openapi fills it.
    described: ClassVar[dict[str, Described]] = {}

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> Json | None:
        """Return the operation. Raises Undescribed."""
        del path_regex, path_prefix
        self.registry, self.path, self.method = registry, path, method
        try:
            call = self.described[f"{method} {path}"]
        except KeyError:
            raise Undescribed(f"{method} {path}") from None
        return {
            "operationId": call.id,
            "summary": call.summary,
            "description": call.description + self._scope_in_words(),
            "tags": [call.subject],
            **({"parameters": list(call.parameters)} if call.parameters else {}),
            **({"requestBody": self._request_body(call.body)} if call.body else {}),
            "security": [{KEY: self._scopes()}] if self._takes_key() else [],
            "responses": self._responses(call),
        }

    def _takes_key(self) -> bool:
        return bool(self.get_auth())

    def _scopes(self) -> list[str]:
        scope = getattr(self.view, "scope", None)
        return [str(scope)] if scope else []

    def _scope_in_words(self) -> str:
        if not self._takes_key():
            return "\n\nNo key is needed."
        scopes = self._scopes()
        needed = f"the scope `{scopes[0]}`" if scopes else "any scope"
        return f"\n\nTakes a key of {needed}."

    def _request_body(self, body: Body) -> Json:
        examples = {name: {"value": value} for name, value in body.examples.items()}
        return {
            "required": body.required,
            "content": {
                kind: {"schema": self._schema_of(shape), **_if_any("examples", examples)}
                for kind, shape in body.content.items()
            },
        }

    def _schema_of(self, shape: Json | type[Serializer[Any]]) -> Json:
        if isinstance(shape, dict):
            return shape
        component: Json = self.resolve_serializer(shape, "request").ref
        return component

    def _responses(self, call: Described) -> Json:
        examples = {name: {"value": value} for name, value in call.examples.items()}
        headers = {**(LIMIT_HEADERS if self._takes_key() else ALWAYS), **call.headers}
        good = {
            "description": call.answer,
            "headers": {name: ref("headers", part) for name, part in headers.items()},
            "content": {
                kind: {"schema": schema, **_if_any("examples", examples)}
                for kind, schema in call.content.items()
            },
            **_if_any("links", call.links),
        }
        refused = {str(code): ref("responses", openapi_errors.name_of(code))
                   for code in self._refusals(call)}  # fmt: skip
        return {"200": good, **refused}

    def _refusals(self, call: Described) -> list[int]:
        codes = {400, 500, *call.refusals}
        if self._takes_key():
            codes |= {401, 403, 429}
        if call.body:
            codes |= {413, 415}
        return sorted(codes)


ALWAYS = {"X-Request-Id": "RequestId"}
LIMIT_HEADERS = {**ALWAYS, "RateLimit": "RateLimit", "RateLimit-Policy": "RateLimitPolicy"}


def _if_any(name: str, value: Json) -> Json:
    return {name: value} if value else {}


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """How programs prove who they are."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = KEY

    def get_security_definition(self, auto_schema: AutoSchema) -> Json:
        """Return the scheme; which scope a call needs stands at the call."""
        del auto_schema
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key. Its scopes: `submit` makes films, `read` sees films and "
            "prices, `billing` sees the balance and what was charged.",
        }
