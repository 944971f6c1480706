"""The errors of the API in OpenAPI: one shape, and a response with examples for each status."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

REQUEST_ID = "0b6f2d4c9a1e4f7e8c5d3b2a19087f6e"
SITE = "https://gallop.example"

SCHEMA: Json = {
    "type": "object",
    "description": "What every error answers.",
    "properties": {
        "code": {"type": "integer", "minimum": 400, "maximum": 599,
                 "description": "The HTTP status."},
        "message": {"type": "string", "minLength": 1,
                    "description": "What is wrong and what to do, for a person."},
        "data": {
            "type": "object",
            "description": "Figures that a program can act on.",
            "properties": {"request_id": {"type": "string", "minLength": 8,
                                          "description": "The same as X-Request-Id."}},
            "required": ["request_id"],
            "additionalProperties": True,
        },
    },
    "required": ["code", "message", "data"],
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """What is said, and the figures beside the request's id."""

    message: str
    figures: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """One status: the name of its response, when it happens, and named examples."""

    name: str
    description: str
    examples: dict[str, Example]
    headers: tuple[tuple[str, str], ...] = ()


REFUSALS = {
    400: Refusal(
        "BadRequest",
        "A parameter, the body or the picture cannot be used. Change what is named.",
        {
            "parameter": Example(
                'field "resolution" must be one of ["720p", "1080p"], got string "480p"; please '
                "use one of the allowed values",
            ),
            "not_json": Example(
                "The body is not valid JSON (line 1, column 9). Send one JSON object with the "
                "model's parameters.",
            ),
        },
    ),
    401: Refusal(
        "Unauthorized",
        "The key is missing, wrong, revoked or expired. Send one that works.",
        {
            "wrong_key": Example(
                "Invalid API key. Send 'Authorization: Bearer <key>' with a key from "
                f"{SITE}/account/keys.",
            )
        },
        (("WWW-Authenticate", "Authenticate"),),
    ),
    402: Refusal(
        "PaymentRequired",
        "The credit, or the key's cap, does not suffice. Nothing was held or charged.",
        {
            "credit": Example(
                "This costs $0.945 and you have $0.20 to spend. Add at least $0.745 of credit. "
                f"There is more at {SITE}/billing. You were not charged.",
                {"price": 0.945, "balance": 0.2, "missing": 0.745},
            ),
            "cap": Example(
                "This costs $0.70. This key may spend $5.00 a day, and $0.10 of that is left "
                "until 2026-01-31 00:00 UTC. You were not charged. Raise the cap at "
                f"{SITE}/account/keys, or wait until then.",
                {
                    "price": 0.7,
                    "cap": 5.0,
                    "cap_period": "day",
                    "spent": 4.9,
                    "remaining": 0.1,
                    "resets_at": "2026-01-31T00:00:00.000Z",
                },
            ),
        },
    ),
    403: Refusal(
        "Forbidden",
        "The key is good but may not do this: it lacks the scope, may not be used from your "
        "address, or the account is frozen.",
        {
            "scope": Example(
                'This key does not have the scope "submit". Use a key that has it, or add it to '
                f"this one at {SITE}/account/keys.",
                {"scope": "submit"},
            ),
            "address": Example(
                "This key may not be used from 192.0.2.7. An owner or an admin of the account can "
                "add the address to the key.",
            ),
        },
    ),
    404: Refusal(
        "NotFound",
        "There is no such thing, or it is not yours.",
        {"prediction": Example("Prediction not found.")},
    ),
    409: Refusal(
        "Conflict",
        "It contradicts what happened before. Nothing was charged.",
        {
            "idempotency_key": Example(
                "This Idempotency-Key was used for another request within the last 24 hours. Use "
                "a new key for a new request. Nothing was charged.",
            ),
            "too_late": Example(
                "The model has this job or is about to, so it can no longer be cancelled. You pay "
                "only if the film is ready.",
            ),
        },
    ),
    413: Refusal(
        "TooLarge",
        "The body is larger than can be read.",
        {
            "body": Example(
                "The body is larger than 1048576 bytes. Upload pictures to /api/v3/media/uploads "
                "and send their addresses.",
            )
        },
    ),
    415: Refusal(
        "UnsupportedMediaType",
        "The body is of another kind than the call reads.",
        {
            "json": Example(
                "Send the body as JSON with the header Content-Type: application/json.",
            )
        },
    ),
    429: Refusal(
        "TooManyRequests",
        "More requests this minute than the key or the account may make. Wait for Retry-After.",
        {
            "key": Example(
                "This key may make 600 requests a minute. Try again in 41 s. The limit grows with "
                f"what you have paid: {SITE}/account/keys.",
                {"limit": 600, "retry_after": 41},
            )
        },
        (
            ("Retry-After", "RetryAfter"),
            ("RateLimit", "RateLimit"),
            ("RateLimit-Policy", "RateLimitPolicy"),
        ),
    ),
    500: Refusal(
        "Broken",
        "Something broke on our side and was logged.",
        {
            "broken": Example(
                "Something broke on our side and was logged. Try again in a minute. If it goes "
                "on, write to us and name the request id.",
            )
        },
    ),
    503: Refusal(
        "Unavailable",
        "Pictures cannot be kept at the moment. Try again in a minute.",
        {
            "storage": Example(
                "Pictures cannot be kept at the moment. Nothing was charged. Try again in a "
                "minute.",
            )
        },
    ),
}


def name_of(code: int) -> str:
    """Return the name of a status's response. Raises KeyError for a status without words."""
    return REFUSALS[code].name


def responses() -> Json:
    """Return all responses by name."""
    return {one.name: _response(code, one) for code, one in REFUSALS.items()}


def _response(code: int, refusal: Refusal) -> Json:
    headers = (("X-Request-Id", "RequestId"), *refusal.headers)
    examples = {name: {"value": _body(code, one)} for name, one in refusal.examples.items()}
    return {
        "description": refusal.description,
        "headers": {name: {"$ref": f"#/components/headers/{part}"} for name, part in headers},
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "examples": examples,
            }
        },
    }


def _body(code: int, said: Example) -> Json:
    data = {**said.figures, "request_id": REQUEST_ID}
    return {"code": code, "message": said.message, "data": data}
