"""Still pictures for the tests, drawn when asked."""

import io

from PIL import Image, ImageDraw


def draw(
    width: int = 640, height: int = 480, format: str = "JPEG", colour: str = "darkorange"
) -> bytes:
    """Return an encoded picture: one colour with a dark disc a quarter in from the top left."""
    image = Image.new("RGB", (width, height), colour)
    radius = min(width, height) // 6
    centre = (width // 4, height // 4)
    ImageDraw.Draw(image).circle(centre, radius, fill="midnightblue")
    content = io.BytesIO()
    image.save(content, format)
    return content.getvalue()
