"""Copies of a film: for runs with so many jobs that rendering each would take the machine."""

import struct
import threading
from pathlib import Path

from PIL import Image

from sandbox.wavespeed import film
from sandbox.wavespeed.film import Shot

# Two renderers must not make the same negative at once.
_developing = threading.Lock()


def make(picture: Image.Image, shot: Shot, path: Path, stop: threading.Event, owner: str) -> None:
    """Writes a copy of the one film of this size and length to path, with its owner's name.

    The name is the content of a last box of type `free`, which players skip: the file stays a
    whole MP4 (ISO/IEC 14496-12), and no two copies have the same bytes. Raises AbandonedError.
    """
    width, height = film.size_of(picture, shot.resolution)
    negative = path.with_name(f"negative-{width}x{height}-{shot.seconds}.mp4")
    with _developing:
        if not negative.exists():
            film.render(picture, shot, negative, stop)
    name = owner.encode()
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(
        negative.read_bytes() + struct.pack(">I4s", 8 + len(name), b"free") + name
    )
    unfinished.replace(path)
