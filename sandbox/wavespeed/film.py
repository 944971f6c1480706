"""Renders the film: a slow push into a picture, H.264 with a quiet chord, in an MP4.

Every film starts on the whole picture and closes in on one of several points; the seed picks
the point and the chord. Pillow scales the three planes of a YUV picture per frame, which costs
half of scaling RGB and converting each frame.
"""

import hashlib
import math
import threading
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from PIL import Image

FRAMES_PER_SECOND = 24
SAMPLES_PER_SECOND = 48_000
SHORT_SIDES = {"720p": 720, "1080p": 1080}
# Where the push ends, as fractions of the picture's width and height.
POINTS = ((0.5, 0.5), (0.0, 0.5), (1.0, 0.5), (0.5, 0.0), (0.5, 1.0), (0.2, 0.2), (0.8, 0.3))
# Whole numbers of hertz, so that one second of sound loops without a click.
CHORDS = ((110, 165, 220), (98, 147, 196), (131, 196, 262), (87, 131, 175))
CLOSEST = 0.82
OVERSAMPLED = 1.1
LOUDNESS = 0.03

Box = tuple[float, float, float, float]


class AbandonedError(Exception):
    """The sandbox is stopping; the film is left unmade."""


@dataclass(frozen=True)
class Shot:
    """What to render: `resolution` 720p or 1080p, whole seconds, and a seed for the move."""

    resolution: str
    seconds: int
    seed: str

    def choice(self, count: int, salt: int) -> int:
        """A number below count that depends on the seed alone."""
        return hashlib.sha256(self.seed.encode()).digest()[salt] % count


def render(picture: Image.Image, shot: Shot, path: Path, stop: threading.Event) -> None:
    """Writes the film to path, whole or not at all. Raises AbandonedError once stop is set."""
    # A process that dies in here must not leave half a film under the film's name.
    unfinished = path.with_suffix(".part")
    try:
        with av.open(
            str(unfinished), "w", format="mp4", options={"movflags": "+faststart"}
        ) as film:
            _expose(film, picture, shot, stop)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def size_of(picture: Image.Image, resolution: str) -> tuple[int, int]:
    """Width and height in pixels: the picture's aspect, the short side as named, both even."""
    scale = SHORT_SIDES[resolution] / min(picture.size)
    return _even(picture.width * scale), _even(picture.height * scale)


def _expose(film: OutputContainer, picture: Image.Image, shot: Shot, stop: threading.Event) -> None:
    size = size_of(picture, shot.resolution)
    video, audio = _video_stream(film, size), _audio_stream(film)
    second = _sound(CHORDS[shot.choice(len(CHORDS), 1)])
    # Picture and sound go in second by second, the way a player will read them.
    for at, frame in enumerate(_frames(picture, size, shot)):
        if stop.is_set():
            raise AbandonedError
        frame.pts = at
        film.mux(video.encode(frame))
        if at % FRAMES_PER_SECOND == 0:
            film.mux(audio.encode(_audible(second, at // FRAMES_PER_SECOND)))
    film.mux(video.encode())
    film.mux(audio.encode())


def _video_stream(film: OutputContainer, size: tuple[int, int]) -> VideoStream:
    # A fifth of the bytes of "ultrafast" for a fifth more time.
    stream = film.add_stream(
        "libx264", FRAMES_PER_SECOND, options={"preset": "superfast", "crf": "24"}
    )
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    # Two films may be in the making, and the site shares the machine.
    stream.thread_count = 2
    # Left unsaid, players guess from the size, and 720p looks different from 1080p.
    stream.codec_context.colorspace = Colorspace.ITU709.value
    stream.codec_context.color_range = ColorRange.MPEG.value
    return stream


def _audio_stream(film: OutputContainer) -> AudioStream:
    return film.add_stream("aac", SAMPLES_PER_SECOND, layout="mono", format="fltp")


def _frames(picture: Image.Image, size: tuple[int, int], shot: Shot) -> Iterator[av.VideoFrame]:
    planes = _planes(picture, size)
    point = POINTS[shot.choice(len(POINTS), 0)]
    count = shot.seconds * FRAMES_PER_SECOND
    for at in range(count):
        # The last frame, not the one after it, completes the move.
        yield _cropped(planes, size, point, at / (count - 1))


def _planes(picture: Image.Image, size: tuple[int, int]) -> list[Image.Image]:
    """The picture as Y, U and V, a little larger than the film so that closing in stays sharp."""
    large = picture.resize(
        (_even(size[0] * OVERSAMPLED), _even(size[1] * OVERSAMPLED)), Image.Resampling.LANCZOS
    )
    frame = av.VideoFrame.from_bytes(large.convert("RGBA").tobytes(), *large.size).reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    return [
        Image.frombytes("L", (plane.width, plane.height), bytes(plane), "raw", "L", plane.line_size)
        for plane in frame.planes
    ]


def _cropped(
    planes: list[Image.Image], size: tuple[int, int], point: tuple[float, float], progress: float
) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for source, plane in zip(planes, frame.planes, strict=True):
        scaled = source.resize(
            (plane.width, plane.height),
            Image.Resampling.BILINEAR,
            box=_box(source.size, point, progress),
        )
        # FFmpeg pads its lines; Pillow fills them up to the same length.
        plane.update(scaled.tobytes("raw", "L", plane.line_size, 1))
    return frame


def _box(size: tuple[int, int], point: tuple[float, float], progress: float) -> Box:
    """The part of the picture in view; slow at both ends."""
    eased = progress * progress * (3 - 2 * progress)
    seen = 1 - (1 - CLOSEST) * eased
    left, top = ((1 - seen) * side * at for side, at in zip(size, point, strict=True))
    return left, top, left + size[0] * seen, top + size[1] * seen


def _sound(chord: tuple[int, ...]) -> bytes:
    """One second of the chord, swelling and fading once, as mono 32-bit floats."""
    turn = 2 * math.pi / SAMPLES_PER_SECOND
    samples = (
        (1 - math.cos(turn * at)) * sum(math.sin(turn * at * hertz) for hertz in chord)
        for at in range(SAMPLES_PER_SECOND)
    )
    return array("f", (LOUDNESS * sample for sample in samples)).tobytes()


def _audible(second: bytes, at: int) -> av.AudioFrame:
    frame = av.AudioFrame("fltp", "mono", SAMPLES_PER_SECOND)
    frame.planes[0].update(second)
    frame.sample_rate = SAMPLES_PER_SECOND
    frame.pts = at * SAMPLES_PER_SECOND
    return frame


def _even(side: float) -> int:
    return round(side / 2) * 2
