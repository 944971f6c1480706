"""Draw the sample pictures and the social card into a folder: `python -m config.samples FOLDER`.

They are kept in static/samples, and card.jpg in static/brand.
"""

import io
import sys
from pathlib import Path

from PIL import Image, ImageChops

from config.samples.card import card
from config.samples.city import city
from config.samples.painting import SCALE, Picture, noise
from config.samples.scenes import dunes, horse, sea

BYTES_MAX = 150_000
QUALITY_BEST = 90
QUALITY_LEAST = 50


def finish(picture: Picture) -> Picture:
    """Shrink to the real size, darken the corners, add the grain of a film."""
    size = picture.width // SCALE, picture.height // SCALE
    small = picture.resize(size, Image.Resampling.LANCZOS)
    edge = (
        Image.radial_gradient("L")
        .resize(size)
        .point([255 - max(0, v - 110) // 3 for v in range(256)])
    )
    small = ImageChops.multiply(small, Image.merge("RGB", [edge] * 3))
    # Two throws of noise added make a bell; a little of it is grain, not dirt.
    bell = ImageChops.add(noise("grain one", *size), noise("grain two", *size), scale=2)
    grain = bell.point([128 + (v - 128) // 22 for v in range(256)])
    return ImageChops.add(small, Image.merge("RGB", [grain] * 3), offset=-128)


def encode(picture: Picture) -> bytes:
    """Return the best JPEG that stays within the limit."""
    for quality in range(QUALITY_BEST, QUALITY_LEAST - 1, -2):
        page = io.BytesIO()
        picture.save(page, "JPEG", quality=quality, optimize=True, progressive=True)
        if page.tell() <= BYTES_MAX:
            break
    return page.getvalue()


def draw(folder: Path) -> None:
    """Write horse.jpg, dunes.jpg, sea.jpg and city.jpg, and card.jpg."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in (horse, dunes, sea, city):
        path = folder / f"{scene.__name__}.jpg"
        path.write_bytes(encode(finish(scene())))
        sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes\n")
    with Image.open(folder / "horse.jpg") as picture:
        (folder / "card.jpg").write_bytes(encode(card(picture)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say where to: python -m config.samples FOLDER")
    draw(Path(sys.argv[1]))
