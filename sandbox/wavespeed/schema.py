"""Checks a JSON body against the part of JSON Schema that the upstream's models use."""

import json
from typing import Any

from sandbox.wavespeed.answers import RefusalError

Properties = dict[str, dict[str, Any]]

_NAMES: dict[type, str] = {str: "string", list: "array", dict: "object"}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    # To JSON Schema 5.0 is an integer.
    "integer": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def resolve(
    body: dict[str, Any], properties: Properties, required: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The body with the properties' defaults filled in. Refuses (400) the first field at fault.

    Nothing beside the properties is allowed. null counts as absent.
    """
    # Clients in many languages send what they leave out as null.
    given = {name: value for name, value in body.items() if value is not None}
    for name in given:
        if name not in properties:
            raise RefusalError(400, f'field "{name}" is not allowed; please remove it')
    for name in required:
        if name not in given:
            raise RefusalError(400, f'field "{name}" is required; please provide it')
    defaults = {name: rule["default"] for name, rule in properties.items() if "default" in rule}
    return defaults | {
        name: _judged(name, value, properties[name]) for name, value in given.items()
    }


def _judged(name: str, value: object, rule: dict[str, Any]) -> object:
    kind = rule["type"]
    # To Python true is a number, to JSON it is not.
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        article = "an" if kind[0] in "aio" else "a"
        raise _fault(name, f"be {article} {kind}", value, f"send {article} {kind}")
    if "enum" in rule and value not in rule["enum"]:
        allowed = json.dumps(rule["enum"])
        raise _fault(name, f"be one of {allowed}", value, "use one of the allowed values")
    if isinstance(value, str):
        _judge_text(name, value, rule)
    if kind == "integer":
        return _judged_number(name, value, rule)
    return value


def _judge_text(name: str, text: str, rule: dict[str, Any]) -> None:
    longest = rule.get("maxLength")
    if longest is not None and len(text) > longest:
        raise RefusalError(
            400,
            f'field "{name}" must be at most {longest} characters, got {len(text)}; '
            "please shorten it",
        )
    if len(text) < rule.get("minLength", 0):
        raise _fault(name, "not be empty", text, "fill it in")
    if rule.get("format") == "uri" and not text.startswith(("http://", "https://")):
        raise _fault(name, "be an http or https URL", text[:100], "send a public URL")


def _judged_number(name: str, value: Any, rule: dict[str, Any]) -> int:
    if value != int(value):
        raise _fault(name, "be an integer", value, "send an integer")
    low, high = rule.get("minimum"), rule.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        # A range without a top names its bottom alone.
        asked = f"be between {low} and {high}" if high is not None else f"be at least {low}"
        raise _fault(name, asked, value, "use a value in that range")
    return int(value)


def _fault(name: str, must: str, got: object, please: str) -> RefusalError:
    return RefusalError(400, f'field "{name}" must {must}, got {_named(got)}; please {please}')


def _named(value: object) -> str:
    """`string "480p"`, `number 20`: how the upstream names what it was given."""
    if isinstance(value, bool):
        kind = "boolean"
    elif isinstance(value, int | float):
        kind = "number"
    else:
        kind = _NAMES.get(type(value), "value")
    return f"{kind} {json.dumps(value)[:200]}"
