"""The preview: small, silent, quick to start, and never a reason to refuse a film."""

from pathlib import Path

import av
import pytest
from django.core.files.storage import default_storage

from generations import lifecycle, preview, storage
from generations.models import Generation
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import get

BYTES_MAX = 300_000


def film(path: Path, size: tuple[int, int], frames: int, rate: int = 24) -> Path:
    """Write a film whose brightness rises from frame to frame."""
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate, options={"preset": "ultrafast"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            shade = 255 * number // frames
            pixels = bytes([shade]) * (size[0] * size[1] * 4)
            picture = av.VideoFrame.from_bytes(pixels, *size)
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
    return path


def seen(path: Path) -> tuple[int, int, int, int]:
    """Return width, height, frames and rate of a film."""
    with av.open(str(path)) as file:
        assert [stream.type for stream in file.streams] == ["video"]
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frames = sum(1 for _ in file.decode(stream))
        return stream.width, stream.height, frames, int(stream.average_rate or 0)


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1280, 720), (480, 270)),
        ((720, 1280), (270, 480)),
        ((640, 640), (480, 480)),
        ((320, 240), (320, 240)),
        ((1000, 400), (480, 192)),
    ],
)
def test_the_longer_side_is_small_and_both_are_even(
    size: tuple[int, int], small: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "preview.mp4"

    reel = storage.watch(film(tmp_path / "film.mp4", size, 12), path)

    assert reel.previewed
    assert seen(path) == (*small, 6, 12)


@pytest.mark.parametrize(
    ("frames", "rate", "shown", "shown_rate"),
    [(240, 24, 48, 12), (72, 24, 36, 12), (150, 30, 60, 15), (2, 24, 1, 12), (30, 10, 30, 10)],
)
def test_it_shows_the_first_four_seconds_at_half_the_rate(
    frames: int, rate: int, shown: int, shown_rate: int, tmp_path: Path
) -> None:
    path = tmp_path / "preview.mp4"

    storage.watch(film(tmp_path / "film.mp4", (64, 48), frames, rate), path)

    assert seen(path) == (64, 48, shown, shown_rate)


def test_it_starts_before_it_has_come_whole_and_is_small(tmp_path: Path, reel: Path) -> None:
    path = tmp_path / "preview.mp4"

    assert storage.watch(reel, path).previewed

    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert len(content) < BYTES_MAX


def test_a_film_that_the_encoder_does_not_take_is_kept_without_a_preview(
    alice: Customer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "OPTIONS", {"preset": "there is none"})

    kept = storage.keep(stage.processing(alice), film(tmp_path / "film.mp4", (64, 48), 12))

    assert kept.preview == ""
    assert len(kept.names) == 4
    assert default_storage.exists(kept.poster)


def test_its_own_account_gets_it_and_nobody_else(
    finished: Generation, alice: Customer, charlie: Customer
) -> None:
    address = f"/films/{finished.pk}/preview.mp4"

    answer = get(alice.browser, address)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "video/mp4")
    assert b"ftyp" in answer.content[:16]
    assert get(alice.browser, address, Range="bytes=0-9").status == 206
    assert get(charlie.browser, address).status == 404


def test_the_card_names_it_for_the_script(finished: Generation, alice: Customer) -> None:
    page = alice.browser.get("/gallery").content.decode()

    assert f'data-preview="/films/{finished.pk}/preview.mp4"' in page
    assert "js/preview" in page


def test_a_card_without_one_keeps_the_scrubber(finished: Generation, alice: Customer) -> None:
    Generation.objects.update(preview="")

    page = alice.browser.get("/gallery").content.decode()

    assert "data-preview" not in page
    assert "data-scrub" in page
    assert get(alice.browser, f"/films/{finished.pk}/preview.mp4").status == 404


def test_a_film_that_comes_too_late_leaves_its_preview_to_be_removed(
    alice: Customer, tmp_path: Path
) -> None:
    job = stage.processing(alice)
    path = film(tmp_path / "film.mp4", (64, 48), 72)
    first, late = storage.keep(job, path), storage.keep(job, path)

    assert lifecycle.finish(job, first)
    storage.discard(late)

    assert stage.fresh(job).preview == first.preview != late.preview
    assert len(set(late.names)) == 5
