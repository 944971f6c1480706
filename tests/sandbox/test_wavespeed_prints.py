"""Copies of one film: each is a whole MP4, with bytes of its own."""

import threading
from pathlib import Path

import av
import pytest
from PIL import Image

from sandbox.settings import Settings
from sandbox.wavespeed import prints
from sandbox.wavespeed.film import AbandonedError, Shot

SHOT = Shot("720p", 3, "1")
PICTURE = Image.new("RGB", (300, 300), "darkorange")


def frames(path: Path) -> int:
    """Return how many pictures a decoder finds in a film."""
    with av.open(str(path)) as reel:
        return sum(1 for _ in reel.decode(video=0))


def test_every_copy_plays_whole_and_ends_with_its_owners_name(tmp_path: Path) -> None:
    paths = {owner: tmp_path / f"{owner}.mp4" for owner in ("first", "second")}
    for owner, path in paths.items():
        prints.make(PICTURE, SHOT, path, threading.Event(), owner)
        assert frames(path) == 72
        assert path.read_bytes().endswith(b"free" + owner.encode())
    assert paths["first"].read_bytes() != paths["second"].read_bytes()


def test_the_film_is_rendered_only_for_the_first_copy(tmp_path: Path) -> None:
    prints.make(PICTURE, SHOT, tmp_path / "first.mp4", threading.Event(), "first")
    # A renderer that is told to stop makes nothing more.
    stop = threading.Event()
    stop.set()
    prints.make(PICTURE, SHOT, tmp_path / "second.mp4", stop, "second")
    with pytest.raises(AbandonedError):
        prints.make(PICTURE, Shot("720p", 4, "1"), tmp_path / "third.mp4", stop, "third")
    assert not (tmp_path / "third.mp4").exists()


def test_copies_are_asked_for_by_environment() -> None:
    assert not Settings.from_environment({}).film_once
    assert not Settings.from_environment({"SANDBOX_FILM_ONCE": "0"}).film_once
    assert Settings.from_environment({"SANDBOX_FILM_ONCE": "1"}).film_once
