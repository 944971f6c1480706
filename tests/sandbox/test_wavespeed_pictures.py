"""Pictures that cannot be fetched or used end the job with the documented codes."""

import io
from pathlib import Path

import httpx
import pytest
from PIL import Image
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.wavespeed import picture as pictures
from tests.sandbox.wavespeed_stage import OUTSIDE, Stage, encoded, picture

pytestmark = pytest.mark.anyio


async def refused(stage: Stage, content: bytes) -> tuple[int, str]:
    stage.outside.pictures["picture.png"] = content
    data = await stage.ended()
    assert (data["status"], data["outputs"]) == ("failed", [])
    assert await stage.balance() == 1000
    return data["code"], data["error"]


async def test_a_picture_that_is_not_there_fails_the_job_and_refunds_it(stage: Stage) -> None:
    data = await stage.ended(image=f"{OUTSIDE}/missing.png")
    assert (data["status"], data["code"]) == ("failed", 1402)
    assert data["error"] == "Failed to download image from the provided URL."
    assert await stage.balance() == 1000


@pytest.mark.parametrize("url", ["http://[::1", "http://", "http://host:port/a.png"])
async def test_an_address_that_is_none_fails_the_job_the_same_way(stage: Stage, url: str) -> None:
    assert (await stage.ended(image=url))["code"] == 1402


async def test_a_server_that_is_not_there_fails_the_job_the_same_way() -> None:
    with pytest.raises(pictures.UnusablePictureError) as caught:
        await pictures.fetch("http://127.0.0.1:9/picture.png")
    assert caught.value.code == 1402


async def test_an_own_upload_that_never_arrived_cannot_be_fetched(stage: Stage) -> None:
    url = f"{stage.settings.url}/media/uploads/{'0' * 32}/a.png"
    assert (await stage.ended(image=url))["code"] == 1402


async def test_a_redirect_to_a_picture_is_followed(stage: Stage) -> None:
    app = stage.outside.app
    app.router.routes.insert(0, Route("/moved", lambda _: RedirectResponse("/picture.png")))
    content = await pictures.fetch(f"{OUTSIDE}/moved", httpx.ASGITransport(app))
    assert content == encoded(picture())


async def test_no_more_is_fetched_than_is_allowed(stage: Stage) -> None:
    endless = Route("/endless", lambda _: Response(b"0" * 11_000_000))
    stage.outside.app.router.routes.insert(0, endless)
    content = await pictures.fetch(f"{OUTSIDE}/endless", httpx.ASGITransport(stage.outside.app))
    assert len(content) == pictures.BYTES_MAX + 1
    data = await stage.ended(image=f"{OUTSIDE}/endless")
    assert (data["code"], data["error"]) == (1401, "The image is larger than 10 MB.")


async def test_a_text_is_no_picture(stage: Stage) -> None:
    code, error = await refused(stage, b"hello")
    assert (code, error) == (1401, "The image must be a JPEG, PNG, BMP or WEBP file.")


async def test_a_gif_is_not_among_the_formats(stage: Stage) -> None:
    assert (await refused(stage, encoded(picture(), "GIF")))[0] == 1401


async def test_half_a_picture_is_refused(stage: Stage) -> None:
    assert (await refused(stage, encoded(picture())[:-500]))[0] == 1401


async def test_a_small_picture_is_refused(stage: Stage) -> None:
    code, error = await refused(stage, encoded(picture(299, 500)))
    assert (code, error) == (1401, "The image's sides must be at least 300 pixels.")


async def test_a_long_picture_is_refused(stage: Stage) -> None:
    code, error = await refused(stage, encoded(picture(751, 300)))
    assert (code, error) == (1401, "The image's aspect ratio must be between 1:2.5 and 2.5:1.")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_every_documented_format_is_opened(kind: str) -> None:
    assert pictures.opened(encoded(picture(), kind)).size == (480, 320)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK"])
def test_every_kind_of_colour_becomes_rgb(mode: str) -> None:
    file = io.BytesIO()
    picture().convert("RGB").convert(mode).save(file, "JPEG" if mode == "CMYK" else "PNG")
    assert pictures.opened(file.getvalue()).mode == "RGB"


def test_a_drawing_depends_on_its_prompt() -> None:
    fox, owl = (pictures.drawn(prompt, "16:9") for prompt in ("a fox", "an owl"))
    assert fox.size == (1280, 720)
    assert fox.tobytes() != owl.tobytes()
    assert pictures.drawn("a fox", "16:9").tobytes() == fox.tobytes()


def test_a_drawing_bears_a_prompt_of_any_length_and_script() -> None:
    for prompt in ("x" * 2500, "狐\n" * 200, "[[[", "word " * 500):
        assert pictures.drawn(prompt, "3:4").size == (720, 960)


def test_a_picture_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vast.png"
    Image.new("1", (20_000, 20_000)).save(path)
    with pytest.raises(pictures.UnusablePictureError) as caught:
        pictures.opened(path.read_bytes())
    assert caught.value.code == 1401
