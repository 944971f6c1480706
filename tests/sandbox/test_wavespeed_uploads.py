"""Both ways to upload: the ticket with its signed PUT, and the older multipart form."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.sandbox.wavespeed_stage import Stage, encoded, picture

pytestmark = pytest.mark.anyio

CONTENT = encoded(picture(330, 440))


async def ticket(stage: Stage, **changes: object) -> dict[str, Any]:
    asked = {"filename": "a.png", "size": len(CONTENT), "content_type": "image/png"} | changes
    answer = await stage.post("/media/uploads", asked)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def put(
    stage: Stage,
    upload: dict[str, Any],
    content: bytes = CONTENT,
    changes: dict[str, str | None] | None = None,
) -> httpx.Response:
    headers = upload["headers"] | (changes or {})
    kept = {name: value for name, value in headers.items() if value is not None}
    return await stage.web.put(upload["url"], headers=kept, content=content)


async def test_a_ticket_has_the_documented_shape(stage: Stage) -> None:
    data = await ticket(stage)
    assert (data["type"], data["filename"], data["size"]) == ("image", "a.png", len(CONTENT))
    assert data["download_url"].startswith(f"{stage.settings.url}/media/uploads/")
    upload = data["upload"]
    assert upload["method"] == "PUT"
    assert upload["headers"] == {"Content-Type": "image/png", "If-None-Match": "*"}
    assert upload["expires_at"].startswith("2026-01-01T01:00:00")
    assert urlsplit(upload["url"]).path == urlsplit(data["download_url"]).path


async def test_an_upload_is_served_as_what_it_was_declared(stage: Stage) -> None:
    data = await ticket(stage)
    assert (await stage.web.get(data["download_url"])).status_code == 404
    assert (await put(stage, data["upload"])).status_code == 200
    answer = await stage.web.get(data["download_url"])
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "image/png"


async def test_an_upload_becomes_a_film(stage: Stage) -> None:
    data = await ticket(stage)
    await put(stage, data["upload"])
    stage.outside.pictures.clear()
    ended = await stage.ended(image=data["download_url"], duration=3)
    assert ended["status"] == "completed", ended["error"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Authorization": "Bearer sandbox"}, 400),
        ({"Content-Type": "image/jpeg"}, 403),
        ({"Content-Type": None}, 403),
        ({"If-None-Match": None}, 403),
        ({"If-None-Match": '"etag"'}, 403),
    ],
)
async def test_the_signed_put_wants_exactly_its_headers(
    stage: Stage, changes: dict[str, str | None], status: int
) -> None:
    data = await ticket(stage)
    refused = await put(stage, data["upload"], changes=changes)
    assert (refused.status_code, refused.json()["code"]) == (status, status)
    assert (await stage.web.get(data["download_url"])).status_code == 404


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"!"])
async def test_the_signed_put_wants_exactly_its_size(stage: Stage, content: bytes) -> None:
    data = await ticket(stage)
    assert (await put(stage, data["upload"], content)).status_code == 400
    assert (await stage.web.get(data["download_url"])).status_code == 404
    assert (await put(stage, data["upload"])).status_code == 200


async def test_a_changed_url_is_not_signed(stage: Stage) -> None:
    upload = (await ticket(stage))["upload"]
    for old, new in (("size=", "size=1"), ("a.png", "b.png"), ("signature=", "signature=0")):
        changed = upload | {"url": upload["url"].replace(old, new)}
        assert (await put(stage, changed)).status_code == 403


async def test_a_url_is_signed_for_an_hour(stage: Stage) -> None:
    upload = (await ticket(stage))["upload"]
    stage.clock.advance(3601)
    assert (await put(stage, upload)).status_code == 403


async def test_an_upload_is_not_replaced(stage: Stage) -> None:
    data = await ticket(stage)
    await put(stage, data["upload"])
    assert (await put(stage, data["upload"])).status_code == 412


@pytest.mark.parametrize(
    ("asked", "kind", "header"),
    [
        ({"filename": "a.webp", "content_type": None}, "image", "image/webp"),
        ({"filename": "voice.mp3", "content_type": None}, "audio", "audio/mpeg"),
        ({"filename": "a", "content_type": None}, "application", "application/octet-stream"),
    ],
)
async def test_the_type_is_guessed_from_the_name(
    stage: Stage, asked: dict[str, object], kind: str, header: str
) -> None:
    data = await ticket(stage, **asked)
    assert (data["type"], data["upload"]["headers"]["Content-Type"]) == (kind, header)


@pytest.mark.parametrize("filename", ["../../etc/passwd", "/a/b c?.png", ".hidden", "ü", "x" * 300])
async def test_a_filename_never_leaves_its_folder(stage: Stage, filename: str) -> None:
    data = await ticket(stage, filename=filename)
    assert "/" not in data["filename"]
    assert not data["filename"].startswith(".")
    assert (await put(stage, data["upload"])).status_code == 200
    assert (await stage.web.get(data["download_url"])).content == CONTENT


@pytest.mark.parametrize(
    "asked", [{"size": 5}, {"filename": "a.png"}, {"filename": "a.png", "size": 200_000_001}]
)
async def test_a_ticket_wants_a_name_and_a_size_within_the_limit(
    stage: Stage, asked: dict[str, object]
) -> None:
    assert (await stage.post("/media/uploads", asked)).status_code == 400


async def test_a_ticket_wants_the_key(stage: Stage) -> None:
    answer = await stage.web.post("/api/v3/media/uploads", json={"filename": "a", "size": 1})
    assert answer.status_code == 401


async def test_the_older_upload_takes_a_form(stage: Stage) -> None:
    answer = await stage.web.post(
        "/api/v3/media/upload/binary",
        headers=stage.key,
        files={"file": ("b.png", CONTENT, "image/png")},
    )
    data = answer.json()["data"]
    assert (data["type"], data["filename"], data["size"]) == ("image", "b.png", len(CONTENT))
    assert "upload" not in data
    assert (await stage.web.get(data["download_url"])).content == CONTENT


async def test_the_older_upload_wants_a_file_field(stage: Stage) -> None:
    answer = await stage.web.post(
        "/api/v3/media/upload/binary", headers=stage.key, files={"other": ("b.png", CONTENT)}
    )
    assert answer.status_code == 400
    assert answer.json()["message"].startswith('field "file" is required')
