"""Every address of the site, read from the URL configuration."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

ADMIN = "admin:"


@dataclass(frozen=True)
class Route:
    """One address: its name as `reverse` takes it (its pattern when it has none) and parameters."""

    name: str
    pattern: str
    parameters: tuple[str, ...]


def all_routes() -> list[Route]:
    """Return every route, in the order in which they are tried."""
    return list(_walk(get_resolver().url_patterns, "", ""))


def outside_admin() -> list[str]:
    """Return the names of the routes that are not the operator's."""
    return [route.name for route in all_routes() if not route.name.startswith(ADMIN)]


def _walk(entries: list[Any], space: str, before: str) -> Iterator[Route]:
    for entry in entries:
        pattern = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from _walk(entry.url_patterns, inner, pattern)
        else:
            assert isinstance(entry, URLPattern)
            name = entry.name or pattern
            parameters = tuple(entry.pattern.regex.groupindex)
            yield Route(space + name, pattern, parameters)
