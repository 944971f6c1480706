"""What is still English on a page in another language: messages not translated, and words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from html.parser import HTMLParser
from typing import Any

import pytest
from django.utils.translation import trans_real

# Attributes that are read by people; those of our scripts begin with data-.
READ = {"alt", "aria-label", "aria-description", "placeholder", "title", "content", "label"}
DATA = ("data-say-", "data-copied", "data-buy", "data-line", "data-word", "data-name", "data-none")
# Their content is for machines, or the same in every language.
SKIPPED = {"script", "style", "pre", "code", "textarea"}
VOID = {"meta", "link", "img", "input", "br", "hr", "source", "wbr"}
# Three words in a row are a phrase; names of things of ours rarely are that long.
PHRASE = re.compile(r"\b[A-Za-z][a-z']+(?:,? [A-Za-z]?[a-z']+){2,}")
COMMAND = re.compile(r"(?:pip|npm) install [\w -]+")


class Recorder(NullTranslations):
    """Stands behind a catalog and notes what it is asked for, because the catalog had nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def gettext(self, message: str) -> str:
        """Note and return the message."""
        self.asked.add(message)
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Note the message and return its form for so many."""
        self.asked.add(msgid1)
        return msgid1 if n == 1 else msgid2


@contextmanager
def recorded(language: str, patch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Give the set of messages that are asked for meanwhile and have no translation."""
    recorder = Recorder()
    with patch.context() as during:
        during.setattr(trans_real.translation(language), "_fallback", recorder)
        yield recorder.asked


class Reader(HTMLParser):
    """Reads a page as people do: its texts, and the attributes that are read to them."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._skipped: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is read of a tag."""
        given = {name: value or "" for name, value in attrs}
        if not self._skipped:
            self.texts += [value for name, value in given.items() if _is_read(name, given)]
        foreign = given.get("lang", "").startswith("en")
        if tag not in VOID and (self._skipped or tag in SKIPPED or foreign):
            self._skipped.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave what was skipped."""
        if self._skipped and self._skipped[-1] == tag:
            self._skipped.pop()

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if not self._skipped:
            self.texts.append(data)


def english_in(page: str, allowed: tuple[str, ...]) -> set[str]:
    """Return the English phrases of a page, without what is allowed: words that customers wrote."""
    reader = Reader()
    reader.feed(page)
    found = set()
    for text in reader.texts:
        for words in allowed:
            text = text.replace(words, "")  # noqa: PLW2901  what is left of it
        told = COMMAND.sub("", " ".join(text.split()).replace("\u2019", "'"))
        found |= {match[0] for match in PHRASE.finditer(told)}
    return found


def _is_read(name: str, given: dict[str, Any]) -> bool:
    if name == "content":
        kind = str(given.get("name", given.get("property", "")))
        return kind.endswith(("description", "title", "alt"))
    return name in READ or name.startswith(DATA)
