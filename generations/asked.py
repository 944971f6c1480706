"""What a question to the API may say: fields that take a JSON value as it is and guess nothing.

A field that is null counts as left out, because clients in many languages write it so. A name
that is not known is refused: a misspelt filter would show more than was asked for.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rest_framework import serializers, status
from rest_framework.request import Request

from config.errors import ApiError
from generations.catalog import InvalidInput, shown

PAGE_MAX = 1_000_000
PAGE_SIZE = 20
PAGE_SIZE_MAX = 100
# What our answers show of a moment; a bound is meant as finely.
MOMENT_STEP = timedelta(milliseconds=1)
# Moments that every time zone and PostgreSQL know.
YEARS = range(2, 9999)


class Asked(serializers.Serializer[Any]):
    """The body of a question; subclasses declare its fields."""

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        """Return the fields of a request's body with their defaults.

        Raises ApiError 400, or DRF's ValidationError, which names the first field at fault.
        """
        asked = cls(data=cls._given(request.data))
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)

    @classmethod
    def _given(cls, body: object) -> Mapping[str, Any]:
        if not isinstance(body, dict):
            raise ApiError(status.HTTP_400_BAD_REQUEST, "The body must be one JSON object.")
        for name, value in body.items():
            try:
                # Half a letter is legal JSON, but neither the database nor an answer takes it.
                json.dumps([name, value], ensure_ascii=False).encode()
            except UnicodeEncodeError as error:
                broken = InvalidInput(name[:60], "has a broken character; please remove it")
                raise ApiError(status.HTTP_400_BAD_REQUEST, str(broken)) from error
        known = cls().fields
        for name in body:
            if name not in known:
                unknown = InvalidInput(
                    name[:60], f"is unknown; please use only: {', '.join(known)}"
                )
                raise ApiError(status.HTTP_400_BAD_REQUEST, str(unknown))
        return {name: value for name, value in body.items() if value is not None}


class Whole(serializers.IntegerField):
    """A whole number: 5 or 5.0, not "5" and not true."""

    def to_internal_value(self, data: Any) -> int:
        """Return it. Raises ValidationError."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError(f"must be a whole number, got {shown(data)}")
        return super().to_internal_value(data)


class Words(serializers.CharField):
    """A string as it is."""

    def __init__(self, **rules: Any) -> None:
        super().__init__(trim_whitespace=False, **rules)

    def to_internal_value(self, data: Any) -> str:
        """Return it. Raises ValidationError."""
        if not isinstance(data, str):
            raise serializers.ValidationError(f"must be a string, got {shown(data)}")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """true or false, and no other word for them."""

    def to_internal_value(self, data: Any) -> bool:
        """Return it. Raises ValidationError."""
        if not isinstance(data, bool):
            raise serializers.ValidationError(f"must be true or false, got {shown(data)}")
        return data


class Moment(serializers.DateTimeField):
    """A day or moment of ISO 8601; without a time zone it is meant in UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        """Return it in UTC. Raises ValidationError."""
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise self._refusal(value) from error
        if moment.year not in YEARS:
            raise self._refusal(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)

    def _refusal(self, value: object) -> serializers.ValidationError:
        return serializers.ValidationError(
            f"must be a date such as 2026-01-31 or 2026-01-31T09:12:44Z, got {shown(value)}"
        )


class Page(Asked):
    """Which part of a list is wanted, counted from 1."""

    page = Whole(default=1, min_value=1, max_value=PAGE_MAX, help_text="Counted from 1.")
    page_size = Whole(
        default=PAGE_SIZE, min_value=1, max_value=PAGE_SIZE_MAX, help_text="Rows on a page."
    )


def part(asked: Mapping[str, Any]) -> slice:
    """Return where the rows of the asked Page stand in the whole list."""
    start = (asked["page"] - 1) * asked["page_size"]
    return slice(start, start + asked["page_size"])


def within(field: str, since: datetime | None, until: datetime | None) -> dict[str, datetime]:
    """Return the filter for a moment between two bounds, both included, as our answers show it."""
    bounds = {}
    if since is not None:
        bounds[f"{field}__gte"] = _shown(since)
    if until is not None:
        bounds[f"{field}__lt"] = _shown(until) + MOMENT_STEP
    return bounds


def _shown(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
