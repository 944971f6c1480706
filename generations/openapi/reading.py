"""The description as the reference page shows it: subjects, calls, fields in rows.

The description itself is English; here its words are put into the reader's language.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

Json = dict[str, Any]

JSON = "application/json"
DEPTH_MAX = 4
# What every call answers around its data is said once, at the top of the page.
AROUND = "data"
PLACES = {
    "path": pgettext_lazy("place of a parameter", "path"),
    "query": pgettext_lazy("place of a parameter", "query"),
    "header": pgettext_lazy("place of a parameter", "header"),
}


@dataclass(frozen=True)
class Row:
    """A field or parameter: its name with that of what holds it, what it takes, and words."""

    name: str
    kind: str
    needed: bool
    words: str
    depth: int = 0
    where: str = ""

    @property
    def parent(self) -> str:
        """What stands before its own name, to be shown quietly."""
        return self.name[: len(self.name) - len(self.own)]

    @property
    def own(self) -> str:
        """Its own name."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Call:
    """One call, or one webhook, ready to be shown."""

    anchor: str
    method: str
    path: str
    summary: str
    words: str
    parameters: tuple[Row, ...]
    bodies: tuple[tuple[str, tuple[Row, ...]], ...]
    kinds: str
    asked: tuple[tuple[str, str], ...]
    answer: str
    rows: tuple[Row, ...]
    answered: tuple[tuple[str, str], ...]
    refusals: tuple[tuple[str, str], ...]


def read(document: Json) -> Json:
    """Return `subjects` (name, words, calls), `webhooks` (calls), `headers` (rows) and `info`."""
    reader = _Reader(document)
    calls: dict[str, list[Call]] = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            calls[operation["tags"][0]].append(reader.call(method.upper(), path, operation))
    subjects = [
        {
            "name": said(tag["name"]),
            "anchor": slugify(tag["name"]),
            "words": said(tag["description"]),
            "calls": calls[tag["name"]],
        }
        for tag in document["tags"]
    ]
    webhooks = [
        reader.call("POST", name, item["post"]) for name, item in document["webhooks"].items()
    ]
    return {
        "subjects": subjects,
        "webhooks": webhooks,
        "headers": tuple(reader.headers()),
        "info": said(document["info"]["description"]),
    }


def said(text: str) -> str:
    """Return a text of the description in the reader's language, paragraph by paragraph."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(_(paragraph) for paragraph in paragraphs if paragraph)


class _Reader:
    """Follows the references of one document."""

    def __init__(self, document: Json) -> None:
        self._document = document

    def call(self, method: str, path: str, operation: Json) -> Call:
        """Return a call ready to be shown."""
        body = operation.get("requestBody", {}).get("content", {})
        good = operation["responses"].get("200", {}).get("content", {}).get(JSON, {})
        data = good.get("schema", {}).get("properties", {}).get(AROUND, {})
        named = operation.get("operationId") or path
        return Call(
            anchor=slugify(named.replace(".", "-")),
            method=method,
            path=path,
            summary=said(operation["summary"]),
            words=said(operation["description"]),
            parameters=tuple(self._parameter(one) for one in operation.get("parameters", [])),
            bodies=tuple(self._bodies(body)),
            kinds=", ".join(body) if JSON not in body else "",
            asked=_examples(body.get(JSON, {})),
            answer=said(operation["responses"].get("200", {}).get("description", "")),
            rows=tuple(self.rows(data)),
            answered=_examples(good),
            refusals=tuple(self._refusals(operation)),
        )

    def headers(self) -> Iterator[Row]:
        """Yield the headers of all answers, each once."""
        answers = [
            self._followed(answer)
            for item in self._document["paths"].values()
            for operation in item.values()
            for answer in operation["responses"].values()
        ]
        named = {name: part for answer in answers for name, part in answer["headers"].items()}
        for name, part in named.items():
            header = self._followed(part)
            words = said(header["description"])
            yield Row(name, _kind(header["schema"]), needed=False, words=words)

    def rows(self, schema: Json, before: str = "", depth: int = 0) -> Iterator[Row]:
        """Yield the fields of an object or of a list's objects, each before those inside of it."""
        schema = self._followed(schema)
        if schema.get("type") == "array":
            yield from self.rows(schema["items"], f"{before}[]", depth)
            return
        needed = schema.get("required", [])
        for name, rule in schema.get("properties", {}).items():
            full = f"{before}.{name}" if before else name
            followed = self._followed(rule)
            words = said(rule.get("description") or followed.get("description", ""))
            yield Row(full, _kind(followed), name in needed, words, depth)
            if depth < DEPTH_MAX and not followed.get("additionalProperties"):
                yield from self.rows(followed, full, depth + 1)

    def _bodies(self, body: Json) -> Iterator[tuple[str, tuple[Row, ...]]]:
        first: Json = next(iter(body.values()), {})
        schema = self._followed(first.get("schema", {}))
        for variant in schema.get("anyOf", [schema]):
            rows = tuple(self.rows(variant))
            if rows:
                yield variant.get("properties", {}).get("model_id", {}).get("const", ""), rows

    def _parameter(self, one: Json) -> Row:
        needed, where = one.get("required", False), str(PLACES[one["in"]])
        return Row(one["name"], _kind(one["schema"]), needed, said(one["description"]), where=where)

    def _refusals(self, operation: Json) -> Iterator[tuple[str, str]]:
        for code, answer in operation["responses"].items():
            if code.startswith(("4", "5")):
                yield code, said(self._followed(answer)["description"])

    def _followed(self, part: Json) -> Json:
        while "$ref" in part:
            *_, kind, name = part["$ref"].split("/")
            part = self._document["components"][kind][name]
        return part


def _examples(content: Json) -> tuple[tuple[str, str], ...]:
    named = {name.replace("_", " "): one for name, one in content.get("examples", {}).items()}
    # The name of a single one is not shown.
    said = {name: _(name) if len(named) > 1 else name for name in named}
    return tuple(
        (said[name], json.dumps(one["value"], indent=2, ensure_ascii=False))
        for name, one in named.items()
    )


def _kind(schema: Json) -> str:
    """Return what a value may be, in a few words."""
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(one) for one in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    kinds = schema.get("type", "")
    word = " | ".join(kinds) if isinstance(kinds, list) else kinds
    if word == "array":
        word = _("list")
        if "$ref" not in schema["items"]:
            word = _("list of %(kind)s") % {"kind": _kind(schema["items"])}
    return _(", ").join([word.replace("object", "{…}"), *_bounds(schema)])


def _bounds(schema: Json) -> Iterator[str]:
    if "format" in schema:
        yield schema["format"]
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield _("%(low)s to %(high)s") % {"low": low, "high": high}
    if "maxLength" in schema:
        yield _("at most %(count)s characters") % {"count": schema["maxLength"]}
    if "maxItems" in schema:
        yield _("at most %(count)s") % {"count": schema["maxItems"]}
    if schema.get("default") not in {None, ""}:
        yield _("default %(value)s") % {"value": json.dumps(schema["default"])}
