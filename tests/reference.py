"""What the reference of the docs takes from the description of the API, to be translated."""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import django
from django.apps import apps
from django.utils import translation
from django.utils.module_loading import import_string


def texts() -> list[str]:
    """Return every English text of the description that the page puts into another language."""
    if not apps.ready:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
    # By their names: they know the models, which are there only now.
    read = import_string("generations.openapi.reading.read")
    document = import_string("generations.openapi.document.document")
    with translation.override("en"):
        page = read(document())
    parts = [part for text in _shown(page) for part in text.split("\n\n")]
    return sorted({part for part in parts if part})


def _shown(page: dict[str, Any]) -> Iterator[str]:
    yield page["info"]
    yield from _words(page["headers"])
    for subject in page["subjects"]:
        yield from (subject["name"], subject["words"])
        for call in subject["calls"]:
            yield from _of_call(call)
    for call in page["webhooks"]:
        yield from _of_call(call)


def _of_call(call: Any) -> Iterator[str]:
    yield from (call.summary, call.words, call.answer)
    yield from _words(call.parameters)
    yield from _words(call.rows)
    for _, rows in call.bodies:
        yield from _words(rows)
    yield from (words for _, words in call.refusals)
    for examples in (call.asked, call.answered):
        # The name of a single one is not shown.
        yield from (name for name, _ in examples if len(examples) > 1)


def _words(rows: Iterable[Any]) -> Iterator[str]:
    return (row.words for row in rows)
