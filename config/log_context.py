"""What a log record is about beside its words: account, key, job; bound once, on every line after.

Each request and each step of a driver has its own; what is bound within one ends with it.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

Facts = Mapping[str, str]

_NOTHING: Facts = MappingProxyType({})
_facts: ContextVar[Facts] = ContextVar("log_facts", default=_NOTHING)


def bind(**facts: object) -> None:
    """Add facts to every record from here to the end of the request, task or `bound` block."""
    _facts.set({**_facts.get(), **{name: str(fact) for name, fact in facts.items()}})


@contextmanager
def bound(**facts: object) -> Iterator[None]:
    """Add facts to the records inside, and forget at its end all that was bound inside."""
    before = _facts.set(_facts.get())
    try:
        bind(**facts)
        yield
    finally:
        _facts.reset(before)


def current() -> Facts:
    """Return what is bound now."""
    return _facts.get()


class ContextFilter(logging.Filter):
    """Gives every log record its `facts`, those of the call itself included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, with the facts."""
        record.facts = {**current(), **getattr(record, "facts", {})}
        return True
