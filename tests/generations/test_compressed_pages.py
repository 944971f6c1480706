"""Pages are sent compressed to who takes that; nothing else is."""

import gzip

import pytest
from django.test import Client

from generations.models import Generation
from tests.cast import Customer
from tests.generations.stage import get

TAKES = {"Accept-Encoding": "gzip, br"}


def test_a_page_is_compressed_to_well_under_half(db: None) -> None:
    plain = get(Client(), "/")
    packed = get(Client(), "/", **TAKES)

    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"].find("Accept-Encoding") >= 0
    assert len(packed.content) * 3 < len(plain.content)
    assert gzip.decompress(packed.content).count(b"</html>") == 1


def test_who_takes_none_gets_it_as_it_is(db: None) -> None:
    assert "Content-Encoding" not in get(Client(), "/").headers


def test_the_same_page_never_has_the_same_length_for_long(alice: Customer) -> None:
    """Or the length would tell how well a guess put into the page fits a secret in it."""
    lengths = {len(get(alice.browser, "/gallery", **TAKES).content) for _ in range(12)}

    assert len(lengths) > 1


@pytest.mark.parametrize("part", ["video.mp4", "poster.jpg", "poster-small.webp"])
def test_films_and_pictures_are_sent_as_they_are(
    part: str, finished: Generation, alice: Customer
) -> None:
    answer = get(alice.browser, f"/films/{finished.pk}/{part}", **TAKES)

    assert answer.status == 200
    assert "Content-Encoding" not in answer.headers
    if part == "video.mp4":
        assert answer.headers["Content-Length"] == str(finished.size)
    ranged = get(alice.browser, f"/films/{finished.pk}/{part}", Range="bytes=0-9", **TAKES)
    assert (ranged.status, len(ranged.content)) == (206, 10)


def test_programs_get_their_answers_as_they_are(alice: Customer) -> None:
    answer = get(Client(), "/api/v3/balance", **alice.bearer, **TAKES)

    assert answer.status == 200
    assert "Content-Encoding" not in answer.headers
