"""Pictures come in by three doors; each judges alike, and a refusal keeps nothing."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from generations import images
from generations.catalog import IMAGE_BYTES_MAX
from generations.models import Generation, Upload
from tests.cast import Customer
from tests.generations import photographs
from tests.generations.photographs import CONTENT_TYPES
from tests.generations.stage import MODEL, body, get, upload
from tests.pictures import draw

TICKET = "/api/v3/media/uploads"
BINARY = "/api/v3/media/upload/binary"

Door = Callable[[Customer, bytes, str], Any]


def ticket(customer: Customer, content: bytes, content_type: str = "image/jpeg") -> dict[str, Any]:
    """Announce a picture and return the answer's data."""
    wanted = {"filename": "a horse.jpg", "size": len(content), "content_type": content_type}
    answer = customer.post(TICKET, wanted)
    assert answer.status_code == 200, answer.content
    data: dict[str, Any] = answer.json()["data"]
    return data


def put(data: dict[str, Any], content: bytes, content_type: str = "") -> Any:
    """Send the bytes as the ticket says, without any key."""
    headers = data["upload"]["headers"]
    return Client().put(
        data["upload"]["url"],
        content,
        content_type=content_type or headers["Content-Type"],
        headers={"If-None-Match": headers["If-None-Match"]},
    )


def by_ticket(customer: Customer, content: bytes, content_type: str) -> Any:
    data = ticket(customer, b"x" * min(len(content) or 1, IMAGE_BYTES_MAX), content_type)
    return put(data, content)


def by_form_field(customer: Customer, content: bytes, content_type: str) -> Any:
    file = SimpleUploadedFile("a horse.jpg", content, content_type)
    return Client().post(BINARY, {"file": file}, headers=customer.bearer)


DOORS = pytest.mark.parametrize("door", [by_ticket, by_form_field])


@DOORS
@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_a_good_picture_is_kept_with_its_facts(door: Door, kind: str, alice: Customer) -> None:
    content = draw(640, 480, kind)

    answer = door(alice, content, CONTENT_TYPES[kind])

    assert answer.status_code == 200, answer.content
    kept = Upload.objects.get()
    assert answer.json()["data"] == {
        "type": "image",
        "download_url": images.address(kept),
        "filename": "a horse.jpg",
        "size": len(content),
    }
    assert (kept.width, kept.height, kept.size) == (640, 480, len(content))
    assert kept.content_type == CONTENT_TYPES[kind]
    assert kept.sha256 == hashlib.sha256(content).hexdigest()
    assert kept.account == alice.account


@DOORS
@pytest.mark.parametrize("name", photographs.REFUSED)
def test_a_picture_that_cannot_be_used_is_refused_at_the_door(
    door: Door, name: str, alice: Customer, settings: Settings
) -> None:
    content, says = photographs.REFUSED[name]

    answer = door(alice, content, "image/jpeg")

    assert answer.status_code == 400
    assert answer.json()["code"] == 400
    assert says in answer.json()["message"]
    assert not Upload.objects.exclude(file="").exists()
    assert not Path(settings.MEDIA_ROOT).exists()


@DOORS
@pytest.mark.parametrize("claimed", ["image/png", "image/webp"])
def test_a_jpeg_that_is_sent_as_something_else_is_refused(
    door: Door, claimed: str, alice: Customer
) -> None:
    answer = door(alice, draw(), claimed)

    assert answer.status_code == 400
    assert claimed in answer.json()["message"]
    assert "image/jpeg" in answer.json()["message"]


@DOORS
def test_a_photograph_of_a_telephone_comes_in(door: Door, alice: Customer) -> None:
    assert door(alice, photographs.two_in_one(), "image/jpeg").status_code == 200
    assert Upload.objects.get().content_type == "image/jpeg"


def test_the_form_field_makes_no_claim_without_a_picture_type(alice: Customer) -> None:
    answer = by_form_field(alice, draw(format="PNG"), "application/octet-stream")

    assert answer.status_code == 200
    assert Upload.objects.get().content_type == "image/png"


@pytest.mark.parametrize("fields", [{}, {"file": "text"}, {"picture": "text"}])
def test_the_form_field_must_be_a_file(alice: Customer, fields: dict[str, str]) -> None:
    answer = Client().post(BINARY, fields, headers=alice.bearer)

    assert answer.status_code == 400
    assert "multipart field 'file'" in answer.json()["message"]


def test_a_ticket_says_where_how_and_until_when(alice: Customer) -> None:
    content = draw()
    data = ticket(alice, content)

    assert (data["type"], data["filename"], data["size"]) == ("image", "a horse.jpg", len(content))
    assert data["upload"]["method"] == "PUT"
    assert data["upload"]["headers"] == {"Content-Type": "image/jpeg", "If-None-Match": "*"}
    opened = Upload.objects.get().created_at
    assert data["upload"]["expires_at"].startswith(
        f"{opened + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"content_type": "image/gif"}, "image/gif cannot be used; send one of image/bmp"),
        ({"content_type": "video/mp4"}, "video/mp4 cannot be used"),
        ({"size": 0}, "from 1 to 10485760 bytes, not 0"),
        ({"size": -1}, "from 1 to 10485760 bytes, not -1"),
        ({"size": 10_485_761}, "from 1 to 10485760 bytes, not 10485761"),
        ({"size": "big"}, 'field "size"'),
        ({"size": None}, 'field "size"'),
        ({"filename": ""}, 'field "filename"'),
        ({"filename": "x" * 201}, 'field "filename"'),
        ({"filename": "a\x00b"}, 'field "filename"'),
        ({"filename": "\ud800"}, 'field "filename"'),
    ],
)
def test_a_ticket_for_what_would_be_refused_is_not_given(
    alice: Customer, change: dict[str, Any], says: str
) -> None:
    wanted = {"filename": "a.jpg", "size": 1000, "content_type": "image/jpeg", **change}

    answer = alice.post(TICKET, wanted)

    assert answer.status_code == 400
    assert says in answer.json()["message"]
    assert not Upload.objects.exists()


@pytest.mark.parametrize("wanted", [[], None, "x"])
def test_a_ticket_needs_an_object(alice: Customer, wanted: object) -> None:
    assert alice.post(TICKET, wanted).status_code == 400


def test_doors_need_a_key() -> None:
    for door in (TICKET, BINARY):
        assert Client().post(door, {}, content_type="application/json").status_code == 401


def test_a_ticket_can_be_filled_once(alice: Customer) -> None:
    first, second = draw(colour="teal"), draw(colour="tan")
    data = ticket(alice, first)
    assert put(data, first).status_code == 200

    answer = put(data, second)

    assert answer.status_code == 400
    assert "complete. Ask for a new one" in answer.json()["message"]
    assert Upload.objects.get().sha256 == hashlib.sha256(first).hexdigest()


def test_of_two_that_fill_a_ticket_at_once_the_first_wins(
    alice: Customer, settings: Settings
) -> None:
    first, second = draw(colour="teal"), draw(colour="tan")
    ticket(alice, first)
    # Both were read before either was written, as two requests at the same moment do it.
    one, other = Upload.objects.get(), Upload.objects.get()
    images.fill_ticket(one, first, "image/jpeg")

    with pytest.raises(images.ImageRefused, match="complete"):
        images.fill_ticket(other, second, "image/jpeg")

    assert Upload.objects.get().sha256 == hashlib.sha256(first).hexdigest()
    [file] = (Path(settings.MEDIA_ROOT) / "uploads").iterdir()
    assert file.read_bytes() == first


def test_after_a_refusal_the_ticket_can_still_be_filled(alice: Customer) -> None:
    data = ticket(alice, draw())
    assert put(data, draw()[:-2000]).status_code == 400

    assert put(data, draw()).status_code == 200


def test_an_expired_ticket_is_refused(alice: Customer) -> None:
    data = ticket(alice, draw())
    Upload.objects.update(created_at=timezone.now() - images.TICKET_LIFE - timedelta(seconds=1))

    answer = put(data, draw())

    assert answer.status_code == 400
    assert "expired. Ask for a new one" in answer.json()["message"]
    assert not Upload.objects.get().is_ready


def test_announced_sent_and_real_type_must_agree(alice: Customer) -> None:
    data = ticket(alice, draw(), "image/jpeg")

    answer = put(data, draw(), content_type="image/png")

    assert answer.status_code == 400
    assert "the three must agree" in answer.json()["message"]


def test_a_ticket_without_a_type_leaves_it_to_the_bytes(alice: Customer) -> None:
    content = draw(format="WEBP")
    data = ticket(alice, content, "")
    assert data["upload"]["headers"]["Content-Type"] == "application/octet-stream"

    assert put(data, content).status_code == 200
    assert Upload.objects.get().content_type == "image/webp"


def test_a_forged_ticket_is_404(alice: Customer) -> None:
    data = ticket(alice, draw())
    own = images.token(Upload.objects.get())
    for forged in (own[:-1] + ("a" if own[-1] != "a" else "b"), "x", "0" * 32 + own[32:]):
        data["upload"]["url"] = f"{TICKET}/{forged}"
        assert put(data, draw()).status_code == 404


def test_the_address_of_an_uploaded_picture_serves_it_as_a_picture_only(alice: Customer) -> None:
    kept = upload(alice)

    answer = get(Client(), images.path(kept))

    assert (answer.status, answer.content) == (200, draw())
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_address_of_a_picture_cannot_be_guessed(alice: Customer) -> None:
    kept = upload(alice)

    for token in (kept.pk.hex, f"{kept.pk.hex}-", f"{kept.pk.hex}-{'x' * 43}"):
        assert Client().get(f"/uploads/{token}/disc.jpg").status_code == 404


def test_a_ticket_that_was_not_filled_has_no_picture(alice: Customer) -> None:
    data = ticket(alice, draw())

    assert Client().get(data["download_url"]).status_code == 404


def test_the_picture_of_another_account_cannot_be_used(alice: Customer, charlie: Customer) -> None:
    answer = charlie.post(MODEL, body(upload(alice)))

    assert answer.status_code == 400
    assert 'field "image" is an upload that you do not have' in answer.json()["message"]
    assert not Generation.objects.exists()


def test_an_unfilled_or_forged_address_of_ours_cannot_be_used(alice: Customer) -> None:
    unfilled = ticket(alice, draw())["download_url"]
    for address in (unfilled, unfilled.replace("/uploads/", "/uploads/0")):
        answer = alice.post(MODEL, body(address))
        assert answer.status_code == 400
        assert "please upload the picture first" in answer.json()["message"]


def test_other_pages_of_ours_are_foreign_addresses(alice: Customer, settings: Settings) -> None:
    for path in ("/nowhere.jpg", "/docs"):
        assert images.own_upload(alice.account, settings.PUBLIC_URL + path) is None
    assert images.own_upload(alice.account, "https://pictures.test/a.jpg") is None


@pytest.mark.parametrize(
    ("filename", "safe"),
    [
        ("a horse.jpg", "a-horse.jpg"),
        ("../../etc/passwd", "etc-passwd"),
        ("<script>.png", "script-.png"),
        ("馬.png", "png"),
        ("", "picture"),
        ("...", "picture"),
        ("x" * 100 + ".jpg", "x" * 76 + ".jpg"),
    ],
)
def test_names_of_files_are_harmless_in_addresses(filename: str, safe: str) -> None:
    assert Upload(filename=filename).safe_filename == safe
