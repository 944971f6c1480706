"""What is kept of a finished film: a playable file, true facts, and stills that are its own."""

import hashlib
import io
from pathlib import Path

import av
import pytest
from django.core.files.storage import default_storage
from PIL import Image, ImageChops, ImageStat
from pytest_django import Settings

from generations import disposal, storage
from generations.models import STRIP_FRAMES, Generation
from generations.storage import Film, NotAVideo
from tests.cast import Customer
from tests.generations import photographs, stage
from tests.pictures import draw

SIZE = (960, 720)
# Of 255: what compressing twice may change in a frame, on average.
DIFFERENCE_MAX = 6.0


@pytest.fixture
def kept(alice: Customer, reel: Path) -> Film:
    """The reel, kept for a job of Alice's."""
    return storage.keep(stage.processing(alice), reel)


def opened(name: str) -> Image.Image:
    """Return a kept still."""
    with default_storage.open(name) as file:
        return Image.open(io.BytesIO(file.read())).convert("RGB")


def frame(path: Path, at: int) -> Image.Image:
    """Return one frame of a film."""
    with av.open(str(path)) as film:
        for number, one in enumerate(film.decode(video=0)):
            if number == at:
                image: Image.Image = one.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
                return image
    raise AssertionError(f"There is no frame {at}.")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures of the same size, from 0 to 255."""
    means = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return sum(means) / len(means)


def test_the_film_is_a_valid_mp4_of_the_asked_length_and_size(kept: Film) -> None:
    with default_storage.open(kept.video) as file, av.open(file, "r") as film:
        assert "mp4" in film.format.name
        [video], [audio] = film.streams.video, film.streams.audio
        assert video.codec_context.name == "h264"
        assert video.average_rate == 24
        assert (video.width, video.height) == SIZE
        assert audio.codec_context.name == "aac"
        frames = sum(1 for _ in film.decode(video))
    assert abs(frames - 3 * 24) <= 1
    assert frames == kept.frames


def test_the_facts_are_true(kept: Film, reel: Path) -> None:
    content = reel.read_bytes()

    assert (kept.width, kept.height) == SIZE
    assert abs(kept.frames - 72) <= 1
    assert kept.duration_ms == round(kept.frames * 1000 / 24)
    assert kept.size == len(content)
    assert kept.sha256 == hashlib.sha256(content).hexdigest()
    with default_storage.open(kept.video) as file:
        assert file.read() == content


def test_the_poster_is_the_first_frame(kept: Film, reel: Path) -> None:
    poster = opened(kept.poster)

    assert poster.size == SIZE
    first, last = frame(reel, 0), frame(reel, kept.frames - 1)
    assert difference(poster, first) < DIFFERENCE_MAX
    # The picture moves: the last frame is another one.
    assert difference(poster, last) > 2 * difference(poster, first)


def test_the_film_begins_with_the_picture_that_went_in(kept: Film) -> None:
    poster = opened(kept.poster)

    assert difference(poster, Image.open(io.BytesIO(draw())).resize(SIZE)) < DIFFERENCE_MAX
    other = Image.open(io.BytesIO(draw(colour="teal"))).resize(SIZE)
    assert difference(poster, other) > 10 * DIFFERENCE_MAX


def test_the_strip_has_twelve_frames_in_the_order_of_the_film(kept: Film, reel: Path) -> None:
    strip = opened(kept.strip)
    width = storage.STRIP_FRAME_HEIGHT * 960 // 720

    assert STRIP_FRAMES == 12
    assert strip.size == (width * 12, storage.STRIP_FRAME_HEIGHT)
    for place in range(12):
        cell = strip.crop((place * width, 0, (place + 1) * width, strip.height))
        shown = frame(reel, kept.frames * place // 12).resize(cell.size)
        assert difference(cell, shown) < DIFFERENCE_MAX, place


def test_keeping_twice_gives_two_names(kept: Film, reel: Path) -> None:
    again = storage.keep(Generation.objects.get(), reel)

    assert set(again.names).isdisjoint(kept.names)
    assert again.sha256 == kept.sha256


def test_discarding_removes_every_file_and_no_other(kept: Film, reel: Path) -> None:
    again = storage.keep(Generation.objects.get(), reel)

    storage.discard(again)
    disposal.clear()

    assert len(again.names) == len(kept.names) == 5
    assert not any(default_storage.exists(name) for name in again.names)
    assert all(default_storage.exists(name) for name in kept.names)


def test_a_storage_that_takes_nothing_says_so_and_refuses_no_film(
    alice: Customer, reel: Path, settings: Settings, tmp_path: Path
) -> None:
    job = stage.processing(alice)
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = tmp_path / "file" / "media"

    with pytest.raises(storage.StorageDown):
        storage.keep(job, reel)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"This is not a video.\n" * 50,
        b"<!doctype html><title>Error</title>",
        draw(),
        draw(format="PNG"),
        photographs.bomb_png(),
        draw(format="GIF"),
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
    ],
    ids=["empty", "text", "page", "JPEG", "PNG", "bomb", "GIF", "playlist", "list of files"],
)
def test_what_is_no_film_is_refused_and_leaves_nothing(
    content: bytes, alice: Customer, tmp_path: Path
) -> None:
    path = tmp_path / "delivered.mp4"
    path.write_bytes(content)

    with pytest.raises(NotAVideo):
        storage.keep(stage.processing(alice), path)

    assert not default_storage.exists("films")


def test_a_film_without_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w", format="mp4") as film:
        stream = film.add_stream("aac", 48_000, layout="mono")
        sound = av.AudioFrame("fltp", "mono", 1024)
        sound.planes[0].update(b"\0" * 4096)
        sound.sample_rate = 48_000
        film.mux(stream.encode(sound))
        film.mux(stream.encode())

    with pytest.raises(NotAVideo):
        storage.watch(path, tmp_path / "preview.mp4")


def test_a_film_that_was_cut_off_is_refused_or_measured_as_it_is(
    reel: Path, tmp_path: Path
) -> None:
    content = reel.read_bytes()
    path = tmp_path / "half.mp4"
    path.write_bytes(content[: len(content) // 2])

    try:
        seen = storage.watch(path, tmp_path / "preview.mp4")
    except NotAVideo:
        return
    assert 0 < seen.frames < 72


def test_a_strip_of_a_very_short_film_repeats_its_last_frame(tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    with av.open(str(path), "w", format="mp4") as film:
        stream = film.add_stream("libx264", 24)
        stream.width, stream.height = 320, 240
        stream.pix_fmt = "yuv420p"
        for shade in (0, 255):
            pixels = bytes([shade]) * (320 * 240 * 4)
            picture = av.VideoFrame.from_bytes(pixels, 320, 240)
            film.mux(stream.encode(picture))
        film.mux(stream.encode())

    seen = storage.watch(path, tmp_path / "preview.mp4")

    assert (seen.frames, seen.duration_ms) == (2, 83)
    assert len(seen.stills) == 2
