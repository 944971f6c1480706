"""The webhooks that we send, as OpenAPI 3.1 describes them."""

from typing import Any

from accounts.deliveries import TEST
from accounts.models import Event
from config.openapi import JSON, ref
from generations.openapi import shapes

Json = dict[str, Any]

MOMENT = "2026-01-31T09:13:46.912000+00:00"
SIGNATURE = (
    "Signed as Standard Webhooks has it: check `webhook-signature` with the library "
    "`standardwebhooks` before you believe a word. Answer 2xx within 15 s. Anything else is tried "
    "again, ten times within three days; so a message may come twice, with the same `webhook-id`."
)
HEADERS: tuple[tuple[str, str, Json, str], ...] = (
    (
        "webhook-id",
        "The name of this message: the same each time it is sent.",
        {"type": "string", "minLength": 1},
        "msg_0a1b2c3d4e5f",
    ),
    (
        "webhook-timestamp",
        "When it was sent, in seconds since 1970.",
        {"type": "string", "pattern": "^[0-9]+$"},
        "1769850826",
    ),
    (
        "webhook-signature",
        "One signature or, while a secret changes, two with a space between.",
        {"type": "string", "pattern": "^v1,"},
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
)

_ALERT: Json = {
    "threshold": shapes.said("Your alert's bound, in dollars.", shapes.DOLLARS),
    "currency": {"type": "string", "const": "USD"},
}
BALANCE = shapes.closed(
    "The credit fell below an alert of yours.",
    {"balance": shapes.said("What can be spent, in dollars.", shapes.SIGNED_DOLLARS), **_ALERT},
)
SPENT = shapes.closed(
    "A month's spending passed an alert of yours.",
    {
        "spent": shapes.said("In this month, in dollars.", shapes.DOLLARS),
        "month": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"},
        **_ALERT,
    },
)
TRIED = shapes.closed("A test from the page of a webhook.", {"message": {"type": "string"}})
_JOB = ref("schemas", "Prediction")

# Event, what its `data` is, an example of that, and what happened.
EVENTS: tuple[tuple[str, Json, Any, str], ...] = (
    (Event.COMPLETED.value, _JOB, shapes.COMPLETED, "A film is ready"),
    (Event.FAILED.value, _JOB, shapes.FAILED, "A film failed; it costs nothing"),
    (
        Event.LOW_BALANCE.value,
        BALANCE,
        {"balance": 4.2, "threshold": 5.0, "currency": "USD"},
        "The credit runs low",
    ),
    (
        Event.SPEND.value,
        SPENT,
        {"spent": 101.22, "month": "2026-01", "threshold": 100.0, "currency": "USD"},
        "A month's spending passed a bound",
    ),
    (TEST, TRIED, {"message": "This is a test from Gallop. Nothing has happened."}, "A test"),
)


def webhooks() -> Json:
    """Return the messages by name: each event, and what an address of a single request gets."""
    told = {event: _of_endpoint(*rest) for event, *rest in _with_names()}
    return {**told, "prediction.ended": _of_request()}


def _with_names() -> list[tuple[str, str, Json, Any, str]]:
    return [(event, event, data, example, words) for event, data, example, words in EVENTS]


def _of_endpoint(event: str, data: Json, example: Any, words: str) -> Json:
    schema = shapes.closed(
        words + ".",
        {
            "type": {"type": "string", "const": event},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": data,
        },
    )
    said = {"type": event, "timestamp": MOMENT, "data": example}
    description = f"To the account's webhooks that asked for `{event}`.\n\n{SIGNATURE}"
    return _message(f"{words}: `{event}`", description, schema, {event: said})


def _of_request() -> Json:
    description = (
        "To the address that one request named as `?webhook=`: the bare prediction, as "
        f"WaveSpeed sends it.\n\n{SIGNATURE}"
    )
    examples = {"completed": shapes.COMPLETED, "failed": shapes.FAILED}
    return _message("The job of one request has ended", description, _JOB, examples)


def _message(summary: str, description: str, schema: Json, examples: Json) -> Json:
    headers = [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": words,
            "schema": rule,
            "example": example,
        }
        for name, words, rule, example in HEADERS
    ]
    content = {
        "schema": schema,
        "examples": {name: {"value": one} for name, one in examples.items()},
    }
    return {
        "post": {
            "summary": summary,
            "description": description,
            "parameters": headers,
            "requestBody": {"required": True, "content": {JSON: content}},
            "responses": {"2XX": {"description": "You have it."}},
            "security": [],
        }
    }
