"""Reading request parameters: form-encoded, nested by brackets (`line_items[0][quantity]=1`).

Every endpoint takes what it knows out of `Params`; what is left at the end is an unknown
parameter, and refused as the real API refuses it.
"""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl

from .errors import ApiError, parameter_invalid, parameter_missing, parameter_unknown
from .store import Json

FIELDS_MAX = 1000
METADATA_KEYS_MAX = 50
METADATA_NAME_MAX = 40
METADATA_VALUE_MAX = 500

SEGMENT = re.compile(r"\[([^\[\]]*)\]")


def decode(encoded: str) -> Json:
    """The tree of a form body or query string; lists become mappings from "0", "1", ...

    Raises ApiError when a name is used both as a value and as a mapping.
    """
    tree: Json = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True, max_num_fields=FIELDS_MAX):
        head, bracket, rest = name.partition("[")
        _place(tree, [head, *SEGMENT.findall(bracket + rest)], value, name)
    return tree


def _place(tree: Json, path: list[str], value: str, name: str) -> None:
    # `a[]=x` has no number of its own: it goes behind what is there already.
    for segment in path[:-1]:
        tree = tree.setdefault(segment, {})
        if not isinstance(tree, dict):
            raise parameter_invalid(name, f"Invalid object: {name}")
    tree[path[-1] or str(len(tree))] = value


class Params:
    """The parameters of one request, or of one bracket in it."""

    def __init__(self, tree: Json, prefix: str = "") -> None:
        self.tree = tree
        self._prefix = prefix
        self._taken: set[str] = set()
        self._children: dict[str, Params] = {}

    def name(self, name: str) -> str:
        return f"{self._prefix}[{name}]" if self._prefix else name

    def __contains__(self, name: str) -> bool:
        return name in self.tree

    def text(self, name: str, default: str | None = None, longest: int = 5000) -> str | None:
        """The value, or `default` when it is absent or empty."""
        self._taken.add(name)
        value = self.tree.get(name) or default
        if isinstance(value, dict):
            raise parameter_invalid(self.name(name), f"Invalid string: {self.name(name)}")
        if value is not None and len(value) > longest:
            message = f"Invalid string: must be at most {longest} characters"
            raise parameter_invalid(self.name(name), message)
        return value

    def need(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise parameter_missing(self.name(name))
        return value

    def choice(self, name: str, *choices: str) -> str | None:
        value = self.text(name)
        if value is not None and value not in choices:
            message = f"Invalid {self.name(name)}: must be one of {', '.join(choices)}"
            raise parameter_invalid(self.name(name), message)
        return value

    def whole(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?\d{1,15}", value):
            message = f"Invalid integer: {value}"
            raise ApiError(message, code="parameter_invalid_integer", param=self.name(name))
        return int(value)

    def flag(self, name: str) -> bool:
        return self.choice(name, "true", "false") == "true"

    def inside(self, name: str) -> "Params":
        """The bracket of that name; empty when it was not sent."""
        if name not in self._children:
            self._taken.add(name)
            tree = self.tree.get(name) or {}
            if not isinstance(tree, dict):
                raise parameter_invalid(self.name(name), f"Invalid object: {self.name(name)}")
            self._children[name] = Params(tree, self.name(name))
        return self._children[name]

    def items(self, name: str) -> Iterator["Params"]:
        """The brackets of a list of objects, in the order they were numbered."""
        listed = self.inside(name)
        return (listed.inside(key) for key in sorted(listed.tree, key=_position))

    def texts(self, name: str) -> list[str]:
        listed = self.inside(name)
        return [listed.need(key) for key in sorted(listed.tree, key=_position)]

    def mapping(self, name: str) -> Json:
        """A flat bracket with names of the caller's own choosing."""
        inside = self.inside(name)
        return {key: inside.text(key) for key in inside.tree}

    def metadata(self, kept: Json | None = None) -> Json:
        """`metadata` merged into what was there; an empty value deletes its key."""
        if self.tree.get("metadata") == "":
            self._taken.add("metadata")
            return {}
        sent = self.mapping("metadata")
        merged = {key: value for key, value in ((kept or {}) | sent).items() if value is not None}
        _judge_metadata(merged)
        return merged

    def ignore(self, *names: str) -> None:
        """Accepted because the real API knows them; they change nothing here."""
        self._taken.update(names)

    def finish(self) -> None:
        """Raises ApiError when anything sent was not taken."""
        for name in self.tree:
            if name not in self._taken:
                raise parameter_unknown(self.name(name))
        for child in self._children.values():
            child.finish()


def _position(key: str) -> tuple[int, str]:
    return (int(key) if key.isdigit() else 0, key)


def _judge_metadata(metadata: Json) -> None:
    if len(metadata) > METADATA_KEYS_MAX:
        message = f"You can have up to {METADATA_KEYS_MAX} metadata keys."
        raise parameter_invalid("metadata", message)
    for name, value in metadata.items():
        if len(name) > METADATA_NAME_MAX or len(value) > METADATA_VALUE_MAX:
            message = (
                f"Metadata keys hold {METADATA_NAME_MAX} characters, values {METADATA_VALUE_MAX}."
            )
            raise parameter_invalid(f"metadata[{name}]", message)
