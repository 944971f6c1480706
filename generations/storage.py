"""Keep finished videos: check that it is one, measure it, make its stills and preview, store all.

A film is watched once, from end to end, one frame in memory at a time beside the stills.
"""

import hashlib
import io
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.error import FFmpegError
from django.core.files.base import ContentFile, File
from PIL import Image

from config import media
from generations import disposal
from generations.models import STRIP_FRAMES, Generation
from generations.preview import Preview

VIDEO_BYTES_MAX = 500 * 1024 * 1024
POSTER_SIDE_MAX = 1280
# What a card shows; whatever a dense screen needs more of is in the poster itself.
POSTER_SMALL_SIDE_MAX = 720
STRIP_FRAME_HEIGHT = 180
JPEG_QUALITY = 85
WEBP_QUALITY = 80
# Two cores are enough to be quick, and each more would hold frames of its own.
DECODER_THREADS = 2

StorageDown = media.StorageDown


class NotAVideo(ValueError):
    """The file cannot be played as a video."""


@dataclass(frozen=True)
class Film:
    """A video in our storage: file names there, and facts measured from the file itself.

    `preview` is empty when none could be made. `width` and `height` are pixels, `size` is
    bytes, `sha256` is hex.
    """

    video: str
    poster: str
    strip: str
    preview: str
    poster_small: str
    width: int
    height: int
    frames: int
    duration_ms: int
    size: int
    sha256: str

    @property
    def names(self) -> list[str]:
        """What the film has in the storage."""
        names = (self.video, self.poster, self.strip, self.preview, self.poster_small)
        return [name for name in names if name]


@dataclass(frozen=True)
class Reel:
    """What was seen in a video: its facts, its first frame, and the frames of the strip.

    `previewed` tells whether the preview was written.
    """

    width: int
    height: int
    frames: int
    duration_ms: int
    poster: Image.Image
    stills: list[Image.Image]
    previewed: bool


def keep(generation: Generation, path: Path) -> Film:
    """Store the video with its stills and preview, under names no other attempt uses.

    Raises NotAVideo, and StorageDown when the storage takes nothing now: the film is still
    upstream, so try again. It decodes the whole video: keep it off the event loop.
    """
    stem = f"films/{generation.id.hex}/{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory() as folder:
        preview = Path(folder) / "preview.mp4"
        reel = watch(path, preview)
        with path.open("rb") as video:
            digest = hashlib.file_digest(video, "sha256").hexdigest()
        return Film(
            video=_save_file(f"{stem}.mp4", path),
            poster=_save_jpeg(f"{stem}.jpg", reel.poster),
            strip=_save_jpeg(f"{stem}-strip.jpg", _strip(reel)),
            preview=_save_file(f"{stem}-preview.mp4", preview) if reel.previewed else "",
            poster_small=_save_webp(f"{stem}-small.webp", _small(reel.poster)),
            width=reel.width,
            height=reel.height,
            frames=reel.frames,
            duration_ms=reel.duration_ms,
            size=path.stat().st_size,
            sha256=digest,
        )


def discard(film: Film) -> None:
    """Have the files of an attempt removed that came too late. It writes to the database."""
    disposal.discard(film.names)


def watch(path: Path, preview: Path) -> Reel:
    """Decode a video from end to end, keeping 12 frames spread over its length.

    The preview is written on the way. Raises NotAVideo.
    """
    try:
        # Left to guess, the library takes still pictures for films and follows playlists.
        with av.open(str(path), format="mp4") as container:
            stream = container.streams.video[0]
            if not stream.average_rate:
                raise NotAVideo("There is no picture in it.")
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = DECODER_THREADS
            return _watched(container, stream, preview)
    except (FFmpegError, IndexError, ValueError) as error:
        raise NotAVideo(str(error)) from error


def _watched(container: av.container.InputContainer, stream: av.VideoStream, path: Path) -> Reel:
    rate = stream.average_rate
    assert rate, "the caller has looked"
    expected = stream.frames or _estimated_frames(container, stream)
    wanted = {expected * still // STRIP_FRAMES for still in range(STRIP_FRAMES)}
    preview = Preview(path, stream.width, stream.height, rate)
    frames, poster, stills = 0, None, []
    for frame in container.decode(stream):
        poster = poster or _poster(frame)
        if frames in wanted:
            stills.append(_still(frame))
        preview.show(frame)
        frames += 1
    if poster is None:
        raise NotAVideo("There is no picture in it.")
    return Reel(
        width=stream.width,
        height=stream.height,
        frames=frames,
        duration_ms=round(frames * 1000 / rate),
        poster=poster,
        stills=stills,
        previewed=preview.close(),
    )


def _estimated_frames(container: av.container.InputContainer, stream: av.VideoStream) -> int:
    seconds = (container.duration or 0) / av.time_base
    return int(seconds * float(stream.average_rate or 0))


def _poster(frame: av.VideoFrame) -> Image.Image:
    """Return the first frame: the customer's own picture, about to move."""
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    image.thumbnail((POSTER_SIDE_MAX, POSTER_SIDE_MAX))
    return image


def _small(poster: Image.Image) -> Image.Image:
    """Return the poster as a card needs it, neither side longer than 720 pixels."""
    small = poster.copy()
    small.thumbnail((POSTER_SMALL_SIDE_MAX, POSTER_SMALL_SIDE_MAX))
    return small


def _still(frame: av.VideoFrame) -> Image.Image:
    width = max(1, round(STRIP_FRAME_HEIGHT * frame.width / frame.height))
    image: Image.Image = frame.to_image(  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
        width=width, height=STRIP_FRAME_HEIGHT
    )
    return image


def _strip(reel: Reel) -> Image.Image:
    """Return 12 frames side by side, for the strip and the hover scrubber."""
    width = reel.stills[0].width
    strip = Image.new("RGB", (width * STRIP_FRAMES, STRIP_FRAME_HEIGHT))
    for place in range(STRIP_FRAMES):
        # A film shorter than announced has fewer stills: its last one fills the strip.
        still = reel.stills[min(place, len(reel.stills) - 1)]
        strip.paste(still, (place * width, 0))
    return strip


def _save_jpeg(name: str, image: Image.Image) -> str:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return _save(name, content)


def _save_webp(name: str, image: Image.Image) -> str:
    content = io.BytesIO()
    image.save(content, "WEBP", quality=WEBP_QUALITY)
    return _save(name, content)


def _save(name: str, content: io.BytesIO) -> str:
    with _storing():
        return media.storage().save(name, ContentFile(content.getvalue()))


def _save_file(name: str, path: Path) -> str:
    with path.open("rb") as file, _storing():
        return media.storage().save(name, File(file))


@contextmanager
def _storing() -> Iterator[None]:
    """Say in one way that the storage took nothing: a full disk, or a bucket out of reach."""
    try:
        yield
    except OSError as error:
        raise StorageDown(str(error)) from error
