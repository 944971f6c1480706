"""Keep finished videos: check that it is one, measure it, make its poster and strip, store it."""

import hashlib
import io
import secrets
from dataclasses import dataclass
from pathlib import Path

import av
from av.error import FFmpegError
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from PIL import Image

from generations.models import STRIP_FRAMES, Generation

VIDEO_BYTES_MAX = 500 * 1024 * 1024
POSTER_SIDE_MAX = 1280
STRIP_FRAME_HEIGHT = 180
JPEG_QUALITY = 85


class NotAVideo(ValueError):
    """The file cannot be played as a video."""


@dataclass(frozen=True)
class Film:
    """A video in our storage: file names there, and facts measured from the file itself.

    `width` and `height` are pixels, `size` is bytes, `sha256` is hex.
    """

    video: str
    poster: str
    strip: str
    width: int
    height: int
    frames: int
    duration_ms: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Reel:
    """What was seen in a video: its facts, and the stills for poster and strip."""

    width: int
    height: int
    frames: int
    duration_ms: int
    stills: list[Image.Image]


def keep(generation: Generation, path: Path) -> Film:
    """Store the video with its poster and strip, under names no other attempt uses.

    Raises NotAVideo. It decodes the whole video: keep it off the event loop.
    """
    reel = watch(path)
    stem = f"films/{generation.id.hex}/{secrets.token_hex(8)}"
    with path.open("rb") as video:
        digest = hashlib.file_digest(video, "sha256").hexdigest()
        video.seek(0)
        name = default_storage.save(f"{stem}.mp4", File(video))
    return Film(
        video=name,
        poster=_save_jpeg(f"{stem}.jpg", _poster(reel)),
        strip=_save_jpeg(f"{stem}-strip.jpg", _strip(reel)),
        width=reel.width,
        height=reel.height,
        frames=reel.frames,
        duration_ms=reel.duration_ms,
        size=path.stat().st_size,
        sha256=digest,
    )


def discard(film: Film) -> None:
    """Remove the files of an attempt that came too late."""
    for name in (film.video, film.poster, film.strip):
        default_storage.delete(name)


def watch(path: Path) -> Reel:
    """Decode a video from end to end, keeping 12 frames spread over its length.

    Raises NotAVideo.
    """
    try:
        # Left to guess, the library takes still pictures for films and follows playlists.
        with av.open(str(path), format="mp4") as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            expected = stream.frames or _estimated_frames(container, stream)
            wanted = {expected * still // STRIP_FRAMES for still in range(STRIP_FRAMES)}
            frames, stills = 0, []
            for frame in container.decode(stream):
                if frames in wanted:
                    stills.append(_small(frame))
                frames += 1
            if not stills or not stream.average_rate:
                raise NotAVideo("There is no picture in it.")
            return Reel(
                width=stream.width,
                height=stream.height,
                frames=frames,
                duration_ms=round(frames * 1000 / stream.average_rate),
                stills=stills,
            )
    except (FFmpegError, IndexError, ValueError) as error:
        raise NotAVideo(str(error)) from error


def _estimated_frames(container: av.container.InputContainer, stream: av.VideoStream) -> int:
    seconds = (container.duration or 0) / av.time_base
    return int(seconds * float(stream.average_rate or 0))


def _small(frame: av.VideoFrame) -> Image.Image:
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    image.thumbnail((POSTER_SIDE_MAX, POSTER_SIDE_MAX))
    return image


def _poster(reel: Reel) -> Image.Image:
    """Return the first frame: the customer's own picture, about to move."""
    return reel.stills[0]


def _strip(reel: Reel) -> Image.Image:
    """Return 12 frames side by side, for the strip and the hover scrubber."""
    width = max(1, round(STRIP_FRAME_HEIGHT * reel.width / reel.height))
    strip = Image.new("RGB", (width * STRIP_FRAMES, STRIP_FRAME_HEIGHT))
    for place in range(STRIP_FRAMES):
        # A film shorter than announced has fewer stills: its last one fills the strip.
        still = reel.stills[min(place, len(reel.stills) - 1)]
        strip.paste(still.resize((width, STRIP_FRAME_HEIGHT)), (place * width, 0))
    return strip


def _save_jpeg(name: str, image: Image.Image) -> str:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return default_storage.save(name, ContentFile(content.getvalue()))
