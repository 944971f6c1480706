"""Where pictures and films are kept: a folder of this machine, or a bucket (config.bucket).

Both are Django storages with two abilities more: naming an address where the file can be fetched
without us, and walking through everything that is there.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol, cast

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

# How long an address of a bucket opens a file: a paused film must still seek after a while.
ADDRESS_SECONDS = 3600


class StorageDown(OSError):
    """The storage took or gave nothing now; it may later, so nothing is lost by waiting."""


@dataclass(frozen=True)
class Stored:
    """One file of a storage, and when it was written (UTC)."""

    name: str
    changed: datetime


class Storage(Protocol):
    """What Gallop asks of a storage. Everything raises StorageDown, and opening FileNotFoundError.

    Deleting what is not there does nothing.
    """

    def save(self, name: str, content: Any) -> str: ...
    def open(self, name: str) -> IO[bytes]: ...
    def delete(self, name: str) -> None: ...
    def exists(self, name: str) -> bool: ...
    def size(self, name: str) -> int: ...

    @property
    def origin(self) -> str:
        """Where its addresses begin: scheme, host and port; "" when it has none."""

    def address(self, name: str, *, content_type: str, disposition: str) -> str:
        """Return where anyone can fetch the file for a short time; "" when only we can send it."""

    def walk(self, folder: str) -> Iterator[Stored]:
        """Yield all files below a folder, few in memory at a time."""

    def check(self) -> None:
        """Raise StorageDown when nothing could be stored now, as far as can be told cheaply."""


def storage() -> Storage:
    """Return the storage of the settings."""
    return cast("Storage", default_storage)


class Folder(FileSystemStorage):
    """A folder of this machine, or one that all machines share."""

    origin = ""

    def address(self, name: str, *, content_type: str, disposition: str) -> str:  # noqa: ARG002  the protocol's
        """Return "": nobody but us can read the folder."""
        return ""

    def delete(self, name: str) -> None:
        """Remove a file, and its folder when that is empty now."""
        super().delete(name)
        folder = Path(self.path(name)).parent
        if folder != Path(self.location):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def walk(self, folder: str) -> Iterator[Stored]:
        """Yield all files below a folder."""
        base = Path(self.location)
        for place, _, names in os.walk(self.path(folder)):
            for path in (Path(place) / name for name in names):
                # What is removed while we walk is no file any more.
                with contextlib.suppress(FileNotFoundError):
                    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                    yield Stored(path.relative_to(base).as_posix(), changed)

    def check(self) -> None:
        """Write and remove an empty file: a full or read-only folder still answers questions."""
        try:
            self.delete(self.save("readyz", ContentFile(b"")))
        except OSError as error:
            raise StorageDown(str(error)) from error
