"""The film itself, opened with a decoder: length, size, sound, and whether it is of the picture."""

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from sandbox.wavespeed import film
from sandbox.wavespeed.film import AbandonedError, Shot
from tests.sandbox.wavespeed_stage import TEXT_MODEL, Stage, encoded, picture

# PyAV leaves it unannotated.
to_image: Callable[[av.VideoFrame], Image.Image] = av.VideoFrame.to_image

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Seen:
    """What a decoder finds in a film."""

    size: tuple[int, int]
    frames: list[Image.Image]
    rate: float
    video_seconds: float
    audio_seconds: float
    loudest: int
    codecs: tuple[str, str, str]


def watch(content: bytes) -> Seen:
    with av.open(io.BytesIO(content), "r") as reel:
        video, audio = reel.streams.video[0], reel.streams.audio[0]
        frames = [to_image(frame) for frame in reel.decode(video)]
        reel.seek(0)
        return Seen(
            size=(video.width, video.height),
            frames=frames,
            rate=float(video.average_rate or 0),
            video_seconds=_seconds(video),
            audio_seconds=_seconds(audio),
            loudest=_loudest(reel, audio),
            codecs=(video.codec.name, str(video.pix_fmt), audio.codec.name),
        )


def _seconds(stream: av.VideoStream | av.AudioStream) -> float:
    assert stream.duration is not None
    assert stream.time_base is not None
    return float(stream.duration * stream.time_base)


def _loudest(reel: av.container.InputContainer, audio: av.AudioStream) -> int:
    to_bytes = av.AudioResampler(format="u8", layout="mono")
    heard = [part for frame in reel.decode(audio) for part in to_bytes.resample(frame)]
    return max(abs(level - 128) for part in heard for level in bytes(part.planes[0]))


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures' small copies, 0 to 255."""
    small = [image.convert("RGB").resize((64, 64)) for image in (one, other)]
    return sum(ImageStat.Stat(ImageChops.difference(*small)).mean) / 3


async def filmed(stage: Stage, prompt: str = "", **inputs: object) -> Seen:
    (url,) = (await stage.ended(prompt, **inputs))["outputs"]
    answer = await stage.web.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    return watch(answer.content)


async def test_a_film_has_the_asked_length_the_picture_s_shape_and_sound(stage: Stage) -> None:
    seen = await filmed(stage, duration=3)
    assert seen.size == (1080, 720)
    assert (len(seen.frames), seen.rate, seen.video_seconds) == (72, 24, 3)
    assert abs(seen.audio_seconds - 3) < 0.05
    assert 1 <= seen.loudest <= 40, "quiet, but not silent"
    assert seen.codecs == ("h264", "yuv420p", "aac")


async def test_a_film_begins_with_the_whole_picture_and_moves(stage: Stage) -> None:
    striped = picture(600, 400, bands=True)
    stage.outside.pictures["picture.png"] = encoded(striped)
    seen = await filmed(stage, duration=3, seed=5)
    assert difference(seen.frames[0], striped) < 6
    assert difference(seen.frames[-1], striped) > 10
    assert difference(seen.frames[-1], seen.frames[-2]) < 2


async def test_1080p_names_the_short_side_of_a_tall_picture(stage: Stage) -> None:
    stage.outside.pictures["picture.png"] = encoded(picture(300, 427), "JPEG")
    seen = await filmed(stage, duration=3, resolution="1080p")
    assert seen.size == (1080, 1538)
    assert len(seen.frames) == 72


async def test_short_is_one_second_short(stage: Stage) -> None:
    seen = await filmed(stage, "[short]", duration=3)
    assert (len(seen.frames), seen.video_seconds) == (48, 2)


async def test_text_to_video_films_a_drawing_in_the_asked_aspect(stage: Stage) -> None:
    inputs = {"model": TEXT_MODEL, "aspect_ratio": "9:16", "duration": 3}
    seen = await filmed(stage, "A fox crosses a frozen lake", **inputs)
    assert seen.size == (720, 1280)
    assert len(seen.frames[0].getcolors(1 << 24) or []) > 100


async def test_a_film_can_be_fetched_in_parts(stage: Stage) -> None:
    (url,) = (await stage.ended(duration=3))["outputs"]
    part = await stage.web.get(url, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    head = await stage.web.head(url)
    assert int(head.headers["content-length"]) > 10_000


async def test_an_upright_photo_taken_sideways_is_filmed_upright(stage: Stage) -> None:
    sideways = picture(480, 320)
    exif = sideways.getexif()
    exif[0x0112] = 6
    file = io.BytesIO()
    sideways.save(file, "JPEG", exif=exif)
    stage.outside.pictures["picture.png"] = file.getvalue()
    assert (await filmed(stage, duration=3)).size == (720, 1080)


@pytest.mark.parametrize(
    ("size", "resolution", "expected"),
    [
        ((1600, 900), "720p", (1280, 720)),
        ((900, 1600), "1080p", (1080, 1920)),
        ((1000, 1000), "720p", (720, 720)),
        ((1001, 667), "720p", (1080, 720)),
        ((750, 300), "1080p", (2700, 1080)),
        ((301, 752), "720p", (720, 1798)),
    ],
)
def test_both_sides_are_even_whatever_the_picture(
    size: tuple[int, int], resolution: str, expected: tuple[int, int]
) -> None:
    assert film.size_of(Image.new("RGB", size), resolution) == expected


def test_the_seed_alone_decides_the_move(tmp_path: Path) -> None:
    def rendered(seed: str) -> bytes:
        path = tmp_path / "film.mp4"
        film.render(picture(320, 320), Shot("720p", 1, seed), path, threading.Event())
        return path.read_bytes()

    six = rendered("6")
    assert rendered("6") == six != rendered("8")


def test_every_move_is_some_seed_s() -> None:
    chosen = {Shot("720p", 3, str(seed)).choice(len(film.POINTS), 0) for seed in range(60)}
    assert chosen == set(range(len(film.POINTS)))


def test_a_stopped_rendering_leaves_no_file(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(AbandonedError):
        film.render(picture(), Shot("720p", 3, "1"), tmp_path / "film.mp4", stop)
    assert list(tmp_path.iterdir()) == []
