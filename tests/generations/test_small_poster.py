"""The small poster: what a card shows, beside the large one for screens that need more."""

import io
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from generations import disposal, marking, storage
from generations.models import Generation
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import get
from tests.generations.test_preview import film
from tests.generations.test_storage import DIFFERENCE_MAX, difference, opened


def small_of(generation: Generation) -> str:
    return f"/films/{generation.pk}/poster-small.webp"


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1280, 720), (720, 405)),
        ((720, 1280), (405, 720)),
        # What is small already is not blown up.
        ((320, 240), (320, 240)),
    ],
)
def test_its_longer_side_has_720_pixels_at_most(
    size: tuple[int, int], small: tuple[int, int], alice: Customer, tmp_path: Path
) -> None:
    kept = storage.keep(stage.processing(alice), film(tmp_path / "film.mp4", size, 24))

    with default_storage.open(kept.poster_small) as file:
        picture = Image.open(io.BytesIO(file.read()))
    assert (picture.format, picture.size) == ("WEBP", small)


def test_it_is_the_poster_in_far_fewer_bytes(finished: Generation) -> None:
    small, large = opened(finished.poster_small), opened(finished.poster)

    assert difference(small, large.resize(small.size)) < DIFFERENCE_MAX
    assert default_storage.size(finished.poster_small) < default_storage.size(finished.poster) / 2


def test_its_own_account_gets_it_and_nobody_else(
    finished: Generation, alice: Customer, charlie: Customer
) -> None:
    answer = get(alice.browser, small_of(finished))

    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/webp")
    assert (answer.content[:4], answer.content[8:12]) == (b"RIFF", b"WEBP")
    assert get(charlie.browser, small_of(finished)).status == 404
    assert get(Client(), small_of(finished)).status == 404


@pytest.mark.parametrize("page", ["/gallery", "/create", "/films/{pk}"])
def test_pages_offer_both_sizes_with_their_widths(
    page: str, finished: Generation, alice: Customer
) -> None:
    shown = alice.browser.get(page.format(pk=finished.pk)).content.decode()

    large = f"/films/{finished.pk}/poster.jpg"
    assert f'srcset="{small_of(finished)} 720w, {large} 960w"' in shown
    assert f'src="{large}"' in shown


def test_what_was_deleted_is_shown_small_too(finished: Generation, alice: Customer) -> None:
    alice.browser.post(f"/films/{finished.pk}/delete")

    assert small_of(finished) in alice.browser.get("/gallery/deleted").content.decode()
    assert get(alice.browser, small_of(finished)).status == 200


def test_who_has_the_link_of_a_film_gets_it_as_long_as_that_works(finished: Generation) -> None:
    word = marking.share(finished)

    page = get(Client(), f"/s/{word}").content.decode()
    assert f'srcset="/s/{word}/poster-small.webp 720w, /s/{word}/poster.jpg 960w"' in page
    answer = get(Client(), f"/s/{word}/poster-small.webp")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/webp")

    marking.unshare(finished)
    assert get(Client(), f"/s/{word}/poster-small.webp").status == 404


@pytest.mark.parametrize("page", ["/gallery", "/create", "/films/{pk}"])
def test_a_film_from_before_keeps_its_one_poster(
    page: str, finished: Generation, alice: Customer
) -> None:
    Generation.objects.update(poster_small="")

    shown = alice.browser.get(page.format(pk=finished.pk)).content.decode()

    assert f'src="/films/{finished.pk}/poster.jpg"' in shown
    assert "poster-small" not in shown
    assert get(alice.browser, small_of(finished)).status == 404


def test_it_goes_with_its_film(finished: Generation, alice: Customer) -> None:
    name = finished.poster_small
    assert default_storage.exists(name)

    disposal.delete_generation(finished)
    disposal.clear()

    assert not default_storage.exists(name)
    assert stage.fresh(finished).poster_small == ""
    assert get(alice.browser, small_of(finished)).status == 404
