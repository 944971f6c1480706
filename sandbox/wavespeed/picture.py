"""The first frame of a film: fetched and judged, or drawn from a prompt."""

import hashlib
import io
import ssl
import textwrap
from functools import cache

import httpx
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

BYTES_MAX = 10_000_000
SIDE_MIN = 300
ASPECT_MAX = 2.5
FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
FETCH_SECONDS = 15.0
DRAWN_SHORT_SIDE = 720


class UnusablePictureError(Exception):
    """No film can be made from it. `code` is the upstream's, 1401 or 1402."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def unfetchable() -> UnusablePictureError:
    """The documented failure for a picture that cannot be had."""
    return UnusablePictureError(1402, "Failed to download image from the provided URL.")


async def fetch(url: str, transport: httpx.AsyncBaseTransport | None = None) -> bytes:
    """At most BYTES_MAX + 1 bytes of what the URL answers. Raises UnusablePictureError."""
    content = bytearray()
    try:
        async with (
            client(transport, follow_redirects=True) as web,
            web.stream("GET", url) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise unfetchable()
            async for chunk in answer.aiter_bytes():
                content += chunk
                # One byte too many is enough to tell; the rest may be endless.
                if len(content) > BYTES_MAX:
                    break
    # Some odd addresses pass httpx and fail in the standard library, with a ValueError.
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as fault:
        raise unfetchable() from fault
    return bytes(content[: BYTES_MAX + 1])


def client(
    transport: httpx.AsyncBaseTransport | None, *, follow_redirects: bool
) -> httpx.AsyncClient:
    """For calls to the world outside; the environment's proxies are for others."""
    return httpx.AsyncClient(
        transport=transport,
        timeout=FETCH_SECONDS,
        follow_redirects=follow_redirects,
        verify=_certificates(),
        trust_env=False,
    )


@cache
def _certificates() -> ssl.SSLContext:
    # Kept: reading them takes longer than most calls.
    return ssl.create_default_context()


def opened(content: bytes) -> Image.Image:
    """The picture, upright and in RGB. Raises UnusablePictureError (1401) for what is refused."""
    if len(content) > BYTES_MAX:
        raise _refused("The image is larger than 10 MB.")
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    # Damage shows differently in every format.
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as fault:
        raise _refused("The image must be a JPEG, PNG, BMP or WEBP file.") from fault
    short, long = sorted(upright.size)
    if short < SIDE_MIN:
        raise _refused(f"The image's sides must be at least {SIDE_MIN} pixels.")
    if long > short * ASPECT_MAX:
        raise _refused("The image's aspect ratio must be between 1:2.5 and 2.5:1.")
    return upright


def _refused(message: str) -> UnusablePictureError:
    return UnusablePictureError(1401, message)


def drawn(prompt: str, aspect_ratio: str) -> Image.Image:
    """A poster of the prompt: its words on a gradient whose colours they choose."""
    across, down = (int(part) for part in aspect_ratio.split(":"))
    unit = DRAWN_SHORT_SIDE / min(across, down)
    size = (round(across * unit), round(down * unit))
    hues = hashlib.sha256(prompt.encode()).digest()
    above, below = ((hues[at] // 2, hues[at + 1] // 2, 64 + hues[at + 2] // 2) for at in (0, 3))
    poster = ImageOps.colorize(Image.linear_gradient("L").resize(size), above, below)
    # What does not fit is left out: the poster only has to be recognised.
    words = "\n".join(textwrap.wrap(prompt, 28)[:8])
    ImageDraw.Draw(poster).multiline_text(
        (size[0] / 2, size[1] / 2),
        words,
        fill="white",
        font=ImageFont.load_default(size[0] / 18),
        anchor="mm",
        align="center",
    )
    return poster
