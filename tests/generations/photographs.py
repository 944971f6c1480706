"""Pictures that are wrong, odd or dangerous, drawn when asked."""

import io
import struct
import zlib

from PIL import Image

from generations.catalog import IMAGE_BYTES_MAX
from tests.pictures import draw

ORIENTATION = 0x0112
CONTENT_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "BMP": "image/bmp",
    "WEBP": "image/webp",
}


def turned(orientation: int) -> bytes:
    """Return a JPEG of 640 × 480 stored pixels with this EXIF orientation."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = io.BytesIO()
    Image.open(io.BytesIO(draw(640, 480))).save(content, "JPEG", exif=exif)
    return content.getvalue()


def turned_in_words() -> bytes:
    """Return a JPEG whose EXIF orientation is a text where a number belongs."""
    number, text = b"\x01\x12\x00\x03", b"\x01\x12\x00\x02"
    photograph = turned(6)
    assert photograph.count(number) == 1
    return photograph.replace(number, text)


def two_in_one() -> bytes:
    """Return a JPEG that carries a second picture, as telephones write them."""
    content = io.BytesIO()
    first, second = Image.new("RGB", (640, 480), "teal"), Image.new("RGB", (640, 480), "tan")
    first.save(content, "MPO", save_all=True, append_images=[second])
    return content.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def bomb_png(side: int = 50_000) -> bytes:
    """Return a few bytes that claim to be a PNG of side × side pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def bomb_bmp(side: int = 50_000) -> bytes:
    """Return a few bytes that claim to be a BMP of side × side pixels."""
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 1000, 0, 0, 54) + header + b"\0" * 900


def too_heavy() -> bytes:
    """Return a good JPEG with so much behind it that it passes 10 MB."""
    picture = draw()
    return picture + b"\0" * (IMAGE_BYTES_MAX + 1 - len(picture))


REFUSED = {
    "GIF": (draw(format="GIF"), "not a complete JPEG, PNG, BMP or WEBP"),
    "TIFF": (draw(format="TIFF"), "not a complete JPEG, PNG, BMP or WEBP"),
    "truncated JPEG": (draw()[:-2000], "not a complete JPEG"),
    "truncated PNG": (draw(format="PNG")[:-200], "not a complete JPEG"),
    "truncated WEBP": (draw(format="WEBP")[:-200], "not a complete JPEG"),
    "truncated BMP": (draw(format="BMP")[:-2000], "not a complete JPEG"),
    "text": (b"<svg onload='alert(1)'/>", "not a complete JPEG"),
    "nothing": (b"", "not a complete JPEG"),
    "299 wide": (draw(299, 400), "is 299 px wide; it needs at least 300"),
    "299 high": (draw(400, 299), "is 299 px high; it needs at least 300"),
    "2.6 to 1": (draw(780, 300), "780 × 300 px"),
    "1 to 2.6": (draw(300, 780), "300 × 780 px"),
    "just over 2.5 to 1": (draw(751, 300), "at most 2.5 to 1"),
    "over 10 MB": (too_heavy(), "larger than 10 MB. Save it smaller"),
    "PNG bomb": (bomb_png(), "Make it smaller"),
    "BMP bomb": (bomb_bmp(), "Make it smaller"),
    "61 megapixels": (bomb_png(7_811), "at most 60 million pixels"),
}
