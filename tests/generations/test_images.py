"""Judging first frames: what is a picture, how large it is shown, and what is refused."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generations import images
from generations.catalog import IMAGE_BYTES_MAX
from generations.images import Facts, ImageRefused
from tests.generations import photographs
from tests.generations.photographs import turned, turned_in_words
from tests.pictures import draw

FORMATS = ("JPEG", "PNG", "BMP", "WEBP")


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_of_the_model_is_taken(kind: str) -> None:
    assert images.judge(draw(640, 480, kind)) == Facts(kind, 640, 480)


@pytest.mark.parametrize(
    ("width", "height"), [(300, 300), (750, 300), (300, 750), (2500, 1000), (4000, 3000)]
)
def test_the_edges_of_size_and_shape_are_taken(width: int, height: int) -> None:
    assert images.judge(draw(width, height)) == Facts("JPEG", width, height)


@pytest.mark.parametrize("name", photographs.REFUSED)
def test_what_the_model_cannot_use_is_refused_with_what_to_change(name: str) -> None:
    content, says = photographs.REFUSED[name]

    with pytest.raises(ImageRefused) as refusal:
        images.judge(content)

    assert says in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_ten_megabytes_exactly_are_taken() -> None:
    picture = draw()
    assert images.judge(picture + b"\0" * (IMAGE_BYTES_MAX - len(picture))).width == 640


@pytest.mark.parametrize(
    ("orientation", "shown"),
    [(1, (640, 480)), (2, (640, 480)), (3, (640, 480)), (4, (640, 480)),
     (5, (480, 640)), (6, (480, 640)), (7, (480, 640)), (8, (480, 640))],
)  # fmt: skip
def test_a_turned_photograph_is_measured_as_it_is_shown(
    orientation: int, shown: tuple[int, int]
) -> None:
    facts = images.judge(turned(orientation))
    assert (facts.width, facts.height) == shown


@pytest.mark.parametrize("photograph", [turned(0), turned(9), turned(65535), turned_in_words()])
def test_a_senseless_orientation_turns_nothing(photograph: bytes) -> None:
    assert images.judge(photograph) == Facts("JPEG", 640, 480)


def test_a_photograph_with_a_second_picture_inside_is_a_jpeg() -> None:
    assert images.judge(photographs.two_in_one()) == Facts("JPEG", 640, 480)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    original=st.sampled_from([turned(6), *(draw(320, 300, kind) for kind in FORMATS)]),
    cut=st.floats(0, 1),
    place=st.floats(0, 1),
    noise=st.binary(min_size=1, max_size=8),
)
def test_no_damage_to_a_file_is_more_than_a_refusal(
    original: bytes, cut: float, place: float, noise: bytes
) -> None:
    # Damage near the front hits the headers, where parsers stumble.
    at = int(min(len(original), 600) * place)
    damaged = original[:at] + noise + original[at + len(noise) :]
    with suppress(ImageRefused):
        facts = images.judge(damaged[: int(len(damaged) * (1 - cut**4))])
        assert min(facts.width, facts.height) >= 300
