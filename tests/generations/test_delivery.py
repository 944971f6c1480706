"""Handing out films: ranges so that they seek, signatures for programs, nothing for strangers."""

import time
from dataclasses import fields
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.core import signing
from django.core.files.storage import default_storage
from django.core.signing import TimestampSigner, b62_encode
from django.test import Client

from generations import delivery, lifecycle
from generations.models import Generation
from generations.storage import Film
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import get, read

WEEK_SECONDS = 7 * 24 * 3600


def path(generation: Generation, part: str = "video.mp4") -> str:
    """Return where the website shows a file of the job."""
    return f"/films/{generation.pk}/{part}"


def stored(name: str) -> bytes:
    """Return the bytes of a file in our storage."""
    with default_storage.open(name) as file:
        kept: bytes = file.read()
    return kept


class ClockSigner(TimestampSigner):
    """Signs as if the time were another."""

    def __init__(self, salt: str, at: float) -> None:
        super().__init__(salt=salt)
        self._at = at

    def timestamp(self) -> str:
        return str(b62_encode(int(self._at)))


def signed_at(generation: Generation, at: float) -> str:
    """Return the film's address with a signature of that moment."""
    signature = ClockSigner("generations.delivery", at).sign(generation.id.hex)
    return f"{path(generation)}?signature={signature}"


def test_a_film_comes_whole_and_says_that_it_can_be_seeked(
    finished: Generation, alice: Customer
) -> None:
    answer = get(alice.browser, path(finished))

    assert answer.status == 200
    assert answer.content == stored(finished.video)
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Length"] == str(finished.size)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=0-0", 0, 0),
        ("bytes=1000-70000", 1000, 70_000),
        ("bytes=1000-", 1000, None),
        ("bytes=0-", 0, None),
        ("bytes=-500", -500, None),
        ("bytes=-99999999", 0, None),
        ("bytes=100-99999999", 100, None),
    ],
)
def test_a_range_is_exactly_that_part_of_the_file(
    asked: str, first: int, last: int | None, finished: Generation, alice: Customer
) -> None:
    whole = stored(finished.video)
    start = first if first >= 0 else len(whole) + first
    stop = len(whole) if last is None else last + 1

    answer = get(alice.browser, path(finished), Range=asked)

    assert answer.status == 206
    assert answer.content == whole[start:stop]
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
    assert answer.headers["Content-Length"] == str(stop - start)
    assert answer.headers["Content-Type"] == "video/mp4"


def test_parts_put_together_are_the_file(finished: Generation, alice: Customer) -> None:
    browser, step = alice.browser, 30_000
    parts = [
        get(browser, path(finished), Range=f"bytes={at}-{at + step - 1}").content
        for at in range(0, finished.size or 0, step)
    ]

    assert len(parts) > 1
    assert b"".join(parts) == stored(finished.video)


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999999-999999999", "bytes=-0"])
def test_a_range_outside_of_the_file_is_416(
    asked: str, finished: Generation, alice: Customer
) -> None:
    answer = get(alice.browser, path(finished), Range=asked)

    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{finished.size}"
    assert answer.content == b""


@pytest.mark.parametrize(
    "asked",
    ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,5-9", "frames=0-9", "bytes=--5",
     "bytes=²-9", "bytes=5-2", "bytes=" + "9" * 5000 + "-"],
    ids=lambda asked: asked[:14],
)  # fmt: skip
def test_what_is_no_single_range_is_ignored(
    asked: str, finished: Generation, alice: Customer
) -> None:
    answer = get(alice.browser, path(finished), Range=asked)

    assert answer.status == 200
    assert len(answer.content) == finished.size


def test_the_head_of_a_film_has_the_facts_and_no_film(
    finished: Generation, alice: Customer
) -> None:
    answer = read(alice.browser.head(path(finished)))

    assert answer.status == 200
    assert answer.headers["Content-Length"] == str(finished.size)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.content == b""


@pytest.mark.parametrize(
    ("part", "content_type"),
    [("poster.jpg", "image/jpeg"), ("strip.jpg", "image/jpeg"), ("picture", "image/jpeg")],
)
def test_stills_come_with_their_type(
    part: str, content_type: str, finished: Generation, alice: Customer
) -> None:
    answer = get(alice.browser, path(finished, part))

    assert answer.status == 200
    assert answer.headers["Content-Type"] == content_type
    assert answer.content.startswith(b"\xff\xd8")


def test_a_download_has_a_name(finished: Generation, alice: Customer) -> None:
    answer = get(alice.browser, path(finished) + "?download")

    name = f"gallop-{finished.pk.hex[:8]}.mp4"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "attachment" not in get(alice.browser, path(finished)).headers["Content-Disposition"]


@pytest.mark.parametrize("part", ["video.mp4", "poster.jpg", "strip.jpg", "picture"])
def test_nobody_else_learns_even_that_a_file_exists(
    part: str, finished: Generation, charlie: Customer
) -> None:
    assert get(charlie.browser, path(finished, part)).status == 404
    assert get(Client(), path(finished, part)).status == 404
    assert get(Client(), path(finished, part), **charlie.bearer).status == 404


def test_only_the_named_files_of_a_job_have_an_address(
    finished: Generation, alice: Customer
) -> None:
    for part in ("video.mp4x", "x.mp4", "..%2f..%2fsecret_key", "video", "video.mp4/"):
        assert get(alice.browser, path(finished, part)).status == 404


def test_a_job_without_a_film_has_no_files(alice: Customer) -> None:
    job = stage.job(alice)

    for part in ("video.mp4", "poster.jpg", "strip.jpg"):
        assert get(alice.browser, path(job, part)).status == 404
    assert get(alice.browser, path(job, "picture")).status == 200


def test_a_file_that_is_gone_is_404(finished: Generation, alice: Customer) -> None:
    default_storage.delete(finished.video)

    assert get(alice.browser, path(finished)).status == 404


def test_the_api_gives_an_address_that_works_without_a_key(
    finished: Generation, alice: Customer
) -> None:
    data = alice.get(f"/api/v3/predictions/{finished.id.hex}/result").json()["data"]

    assert data["status"] == "completed"
    [address] = data["outputs"]
    assert address == delivery.video_address(finished)
    answer = get(Client(), address, Range="bytes=0-9")
    assert answer.status == 206
    assert answer.content == stored(finished.video)[:10]


def test_a_signature_opens_the_film_and_nothing_else(finished: Generation) -> None:
    query = urlsplit(delivery.video_address(finished)).query

    for part in ("poster.jpg", "strip.jpg", "picture"):
        assert get(Client(), f"{path(finished, part)}?{query}").status == 404
    assert get(Client(), f"/films/{finished.pk}?{query}").status == 302


def test_a_signature_opens_one_film_only(finished: Generation, charlie: Customer) -> None:
    other = stage.processing(charlie)
    facts = {field.name: getattr(finished, field.name) for field in fields(Film)}
    lifecycle.finish(other, Film(**facts))
    query = urlsplit(delivery.video_address(other)).query

    assert get(Client(), f"{path(other)}?{query}").status == 200
    assert get(Client(), f"{path(finished)}?{query}").status == 404


@pytest.mark.parametrize("at", [0, 1, 20, -1])
def test_a_forged_signature_opens_nothing(at: int, finished: Generation) -> None:
    [signature] = parse_qs(urlsplit(delivery.video_address(finished)).query)["signature"]
    letter = "a" if signature[at] != "a" else "b"
    forged = signature[:at] + letter + signature[at:][1:]

    assert get(Client(), f"{path(finished)}?signature={forged}").status == 404


def test_a_signature_for_something_else_opens_nothing(finished: Generation) -> None:
    for signature in (
        "",
        finished.id.hex,
        signing.dumps(finished.id.hex),
        TimestampSigner().sign(finished.id.hex),
        TimestampSigner(salt="generations.images").sign(finished.id.hex),
        TimestampSigner(salt="generations.delivery").sign(str(finished.id)),
    ):
        query = urlencode({"signature": signature})
        assert get(Client(), f"{path(finished)}?{query}").status == 404


def test_a_signature_lasts_seven_days_and_no_longer(finished: Generation) -> None:
    now = time.time()

    assert get(Client(), signed_at(finished, now - WEEK_SECONDS + 60)).status == 200
    assert get(Client(), signed_at(finished, now - WEEK_SECONDS - 60)).status == 404


def test_a_bad_signature_does_not_keep_the_owner_out(finished: Generation, alice: Customer) -> None:
    assert get(alice.browser, path(finished) + "?signature=old").status == 200
