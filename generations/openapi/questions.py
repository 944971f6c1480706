"""How drf-spectacular reads our questions: fields that take a value as it is, or refuse it."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from generations.catalog import NO_NUL

Json = dict[str, Any]

# What every time zone and the database know.
DATE = r"^(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}"


class Asked(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # registers itself
    """A question: no name that it does not know, and null for what is left out."""

    target_class = "generations.asked.Asked"
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: Any) -> str:
        """Return HistoryInput for HistoryView.Input."""
        del auto_schema, direction
        named: str = type(self.target).__qualname__
        return named.replace("View.", "")

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> Json:
        """Return the schema."""
        # What the package's own documentation says an extension calls; it has no types.
        mapped: Json = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # type: ignore[no-untyped-call]  # noqa: SLF001
        required = mapped.get("required", [])
        mapped["properties"] = {
            name: rule if name in required else _or_null(rule)
            for name, rule in mapped["properties"].items()
        }
        return {**mapped, "additionalProperties": False}


class Words(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A string as it is."""

    target_class = "generations.asked.Words"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Json:
        """Return the schema."""
        del auto_schema, direction
        longest = self.target.max_length
        return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": NO_NUL}


class Moment(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A day or a moment."""

    target_class = "generations.asked.Moment"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Json:
        """Return the schema."""
        del auto_schema, direction
        return {
            "description": "A day, or a moment; without a time zone it is meant in UTC.",
            "anyOf": [
                {"type": "string", "format": "date", "pattern": DATE},
                {"type": "string", "format": "date-time", "pattern": DATE},
            ],
        }


def _or_null(rule: Json) -> Json:
    # drf-spectacular's own mark, for a step that we leave out.
    rule.pop("x-spec-enum-id", None)
    if "anyOf" in rule:
        return {**rule, "anyOf": [*rule["anyOf"], {"type": "null"}]}
    if "enum" in rule:
        return {**rule, "type": ["string", "null"], "enum": [*rule["enum"], None]}
    return {**rule, "type": [rule["type"], "null"]}
