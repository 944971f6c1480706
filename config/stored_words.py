"""Sentences that the database keeps in English, said again in the reader's language.

Each was made from a message of ours with sums, days and names in its places. So the message is
found again by its words, translated, and gets the same things in its places.
"""

import re
from collections.abc import Callable, Iterable

from django.utils.translation import gettext

PLACE = re.compile(r"%\((\w+)\)s")
# After a full stop that is as wide as a character, no blank is set.
FULL_WIDTH_STOP = "。"


class StoredWords:
    """A closed list of messages that were marked with gettext_noop.

    `places` tells how to say again what stands in the places of a name; what stands in others
    stays as it is.
    """

    def __init__(self, messages: Iterable[str], **places: Callable[[str], str]) -> None:
        self._patterns = [(message, _pattern(message)) for message in messages]
        self._places = places

    def again(self, text: str) -> str:
        """Return one or several of the messages in the language of now; any other text as it is."""
        told, rest = "", text
        while rest:
            said = self._first_of(rest)
            if said is None:
                return text
            sentence, rest = said
            told += sentence if not told or told.endswith(FULL_WIDTH_STOP) else f" {sentence}"
        return told

    def _first_of(self, text: str) -> tuple[str, str] | None:
        """Return the message that a text begins with, translated, and what comes after it."""
        for message, pattern in self._patterns:
            if found := pattern.match(text):
                places = {
                    name: self._said(name, value) for name, value in found.groupdict().items()
                }
                return gettext(message) % places, text[found.end() :]
        return None

    def _said(self, name: str, value: str) -> str:
        return self._places[name](value) if name in self._places else value


def _pattern(message: str) -> re.Pattern[str]:
    """Return what matches the message with anything in its places, up to a blank or the end."""
    parts = PLACE.split(message)
    words = [
        f"(?P<{part}>.+?)" if number % 2 else re.escape(part.replace("%%", "%"))
        for number, part in enumerate(parts)
    ]
    return re.compile(f"{''.join(words)}(?: |$)", re.DOTALL)
