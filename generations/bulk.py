"""Many films in one file: a ZIP that is written while it is being sent.

Of no film more than a part is in memory. Films are packed already, so they are only strung
together. Source of the format: PKWARE's APPNOTE, with sizes after the data and room for 64 bits.
"""

import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import IO

from django.utils.translation import gettext as _

from config import media
from generations.models import Generation

FILMS_MAX = 100
CHUNK_BYTES = 256 * 1024
# With day and number below the 255 that file systems allow.
WORDS_BYTES_MAX = 200
# Not allowed in a name by one system or another.
_UNFIT = re.compile(r'[\\/:*?"<>|]+')
MISSING = "not in here.txt"


class Pipe(io.RawIOBase):
    """What is written can be taken away once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._parts.append(bytes(part))
        return len(part)

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def archive(films: Iterable[Generation]) -> Iterator[bytes]:
    """Yield a ZIP of the films part by part; one that is gone is named in a text among them.

    Raises StorageDown when the storage gives nothing: what was sent so far is then no whole ZIP,
    and every program says so.
    """
    pipe, gone = Pipe(), []
    # Said at once: what follows is made while it is sent, in no language.
    words = _("These films were deleted meanwhile:")
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as into:
        for film in films:
            try:
                file = media.storage().open(film.video)
            except FileNotFoundError:
                gone.append(file_name(film))
                continue
            yield from strung(into, pipe, _entry(film), file)
        if gone:
            into.writestr(MISSING, "\n".join([words, *gone]))
    yield pipe.taken()


def strung(
    into: zipfile.ZipFile, pipe: Pipe, entry: zipfile.ZipInfo, file: IO[bytes]
) -> Iterator[bytes]:
    """Write an open file into the ZIP and close it; yield what there is to send part by part."""
    with file, into.open(entry, "w", force_zip64=True) as place:
        while part := file.read(CHUNK_BYTES):
            place.write(part)
            yield pipe.taken()


def file_name(film: Generation) -> str:
    """Return a name for the film that every system takes and no other film has."""
    words = unicodedata.normalize("NFC", film.title or film.inputs.get("prompt") or "")
    # Signs that are not seen may turn a name around or end it.
    seen = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in words)
    fit = " ".join(_UNFIT.sub(" ", seen).split())
    short = fit.encode()[:WORDS_BYTES_MAX].decode(errors="ignore").strip(" .")
    day = film.created_at.astimezone(UTC).date()
    return " ".join(filter(None, [str(day), short, film.id.hex[:8]])) + ".mp4"


def _entry(film: Generation) -> zipfile.ZipInfo:
    moment = film.created_at.astimezone(UTC)
    entry = zipfile.ZipInfo(file_name(film), moment.timetuple()[:6])
    entry.external_attr = 0o644 << 16
    return entry
