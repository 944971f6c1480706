"""The landing page's films, made from a picture of any size."""

from pathlib import Path

import av
from PIL import Image

from sandbox import showreel
from sandbox.wavespeed.film import FRAMES_PER_SECOND


def test_a_picture_becomes_a_small_silent_film_a_still_and_a_strip(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (96, 64), (n, 80, 200 - n)) for n in range(24)]
    showreel.copy(frames, tmp_path / "disc.mp4")
    with av.open(str(tmp_path / "disc.mp4")) as film:
        assert [stream.type for stream in film.streams] == ["video"]
        assert (film.streams.video[0].width, film.streams.video[0].frames) == (96, 24)
    strip = showreel.strip(frames)
    assert strip.size == (180 * showreel.STRIP_FRAMES, showreel.STRIP_HEIGHT)
    assert strip.getpixel((0, 0)) == (0, 80, 200)
    assert strip.getpixel((strip.width - 1, 0)) == (23, 80, 177)


def test_the_committed_films_are_those_of_the_committed_pictures() -> None:
    samples = Path(showreel.__file__).parents[1] / "static" / "samples"
    for picture in sorted(samples.glob("*.jpg")):
        name = picture.stem
        with av.open(str(samples / f"{name}.mp4")) as film, Image.open(picture) as whole:
            stream = film.streams.video[0]
            assert stream.frames == showreel.SECONDS * FRAMES_PER_SECOND
            assert abs(stream.width / stream.height - whole.width / whole.height) < 0.01
        with Image.open(samples / f"{name}-strip.webp") as strip:
            assert strip.height == showreel.STRIP_HEIGHT
