"""Film the landing page's sample pictures: `python -m sandbox.showreel FOLDER`.

Beside each NAME.jpg it writes NAME.mp4 (the film that a customer would get, copied small and
silent), NAME.webp (its first frame) and NAME-strip.webp (twelve of its frames, side by side).
"""

import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import av
from PIL import Image

from sandbox.wavespeed import film

SECONDS = 5
WIDTH = 640
WIDTHS = {"horse": 1280}
# Each closes in on what is worth seeing.
SEEDS = {"horse": "horse 4", "dunes": "dunes 6", "sea": "sea 0", "city": "city 4"}
CONSTANT_QUALITY = "31"
STILL_QUALITY = 74
STRIP_FRAMES = 12
STRIP_HEIGHT = 120

# PyAV leaves them unannotated.
to_image: Callable[[av.VideoFrame], Image.Image] = av.VideoFrame.to_image
from_image: Callable[[Image.Image], av.VideoFrame] = av.VideoFrame.from_image


def shoot(picture: Path) -> int:
    """Write the three files of one sample picture; returns how many bytes they have."""
    name = picture.stem
    shot = film.Shot("720p", SECONDS, SEEDS.get(name, name))
    with tempfile.TemporaryDirectory() as folder, Image.open(picture) as still:
        large = Path(folder) / "large.mp4"
        film.render(still, shot, large, threading.Event())
        frames = _frames(large, WIDTHS.get(name, WIDTH))
    kept = {kind: picture.with_name(name + kind) for kind in (".mp4", ".webp", "-strip.webp")}
    copy(frames, kept[".mp4"])
    save_still(frames[0], kept[".webp"])
    save_still(strip(frames), kept["-strip.webp"])
    return sum(path.stat().st_size for path in kept.values())


def copy(frames: list[Image.Image], path: Path) -> None:
    """Write the frames as a small film without sound, ready to play before it is all there."""
    options = {"preset": "veryslow", "crf": CONSTANT_QUALITY, "tune": "film"}
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", film.FRAMES_PER_SECOND, options=options)
        stream.width, stream.height = frames[0].size
        stream.pix_fmt = "yuv420p"
        for at, frame in enumerate(frames):
            picture = from_image(frame)
            picture.pts = at
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def strip(frames: list[Image.Image]) -> Image.Image:
    """Return twelve frames from first to last, side by side."""
    chosen = [
        frames[round(at * (len(frames) - 1) / (STRIP_FRAMES - 1))] for at in range(STRIP_FRAMES)
    ]
    width = round(STRIP_HEIGHT * frames[0].width / frames[0].height)
    whole = Image.new("RGB", (width * STRIP_FRAMES, STRIP_HEIGHT))
    for at, frame in enumerate(chosen):
        whole.paste(frame.resize((width, STRIP_HEIGHT), Image.Resampling.LANCZOS), (at * width, 0))
    return whole


def save_still(still: Image.Image, path: Path) -> None:
    """Write a still as WebP, which every browser of today reads."""
    still.save(path, "WEBP", quality=STILL_QUALITY, method=6)


def _frames(path: Path, width: int) -> list[Image.Image]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        size = width, round(width * stream.height / stream.width / 2) * 2
        return [
            to_image(frame).resize(size, Image.Resampling.LANCZOS)
            for frame in container.decode(stream)
        ]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say where the pictures are: python -m sandbox.showreel FOLDER")
    for one in sorted(Path(sys.argv[1]).glob("*.jpg")):
        sys.stdout.write(f"{one.stem}: {shoot(one)} bytes\n")
