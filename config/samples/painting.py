"""Brushes for the sample pictures: gradients, clouds, ridges, light; Pillow and hashes only."""

import hashlib
import math
from collections.abc import Iterable

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Picture = Image.Image
Size = tuple[int, int]
Color = tuple[int, int, int]
Point = tuple[float, float]
Stops = tuple[tuple[float, Color], ...]

SCALE = 2  # scenes are painted twice as large: smooth edges come from shrinking


class Dice:
    """Chance that falls the same way every time for the same name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thrown = 0

    def between(self, low: float, high: float) -> float:
        """Return a number from `low` up to `high`."""
        seed = f"{self._name}/{self._thrown}".encode()
        self._thrown += 1
        number = int.from_bytes(hashlib.blake2b(seed, digest_size=8).digest(), "little")
        return low + (high - low) * (number / 2**64)


def noise(name: str, width: int, height: int) -> Picture:
    """Return a grey picture of pure noise."""
    data = hashlib.shake_128(name.encode()).digest(width * height)
    return Image.frombytes("L", (width, height), data)


def clouds(name: str, size: Size, cells: Size, octaves: int = 5) -> Picture:
    """Return soft grey clouds; `cells` says how many fit across and down at the coarsest."""
    whole: Picture | None = None
    for octave in range(octaves):
        across, down = cells[0] << octave, cells[1] << octave
        layer = noise(f"{name}/{octave}", across, down).resize(size, Image.Resampling.BICUBIC)
        whole = layer if whole is None else Image.blend(whole, layer, 1 / (1.6 + octave))
    assert whole is not None
    return whole


def gradient(size: Size, stops: Stops) -> Picture:
    """Return a picture whose colour runs through `stops` from top (0.0) to bottom (1.0)."""
    column = Image.new("RGB", (1, size[1]))
    for y in range(size[1]):
        at = y / max(1, size[1] - 1)
        after = next((n for n, stop in enumerate(stops) if stop[0] >= at), len(stops) - 1)
        (low, first), (high, second) = stops[max(0, after - 1)], stops[after]
        share = 0.0 if high == low else min(1.0, (at - low) / (high - low))
        column.putpixel((0, y), mix(first, second, share))
    return column.resize(size)


def mix(first: Color, second: Color, share: float) -> Color:
    """Return the colour `share` of the way from `first` to `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def levels(mask: Picture, low: int, high: int, top: int = 255) -> Picture:
    """Stretch a mask's greys: `low` becomes 0, `high` becomes `top`."""
    return mask.point([max(0, min(top, (v - low) * top // (high - low))) for v in range(256)])


def glow(picture: Picture, centre: Point, radius: Point, color: Color, power: float) -> Picture:
    """Return the picture with light added around `centre`, fading out at `radius`."""
    size = (int(radius[0] * 2), int(radius[1] * 2))
    # Pillow's gradient reaches 181 at the middle of its edges: beyond that there is no light.
    fall = [round(255 * max(0.0, 1 - v / 181) ** power) for v in range(256)]
    spot = Image.radial_gradient("L").point(fall).resize(size, Image.Resampling.BICUBIC)
    mask = Image.new("L", picture.size, 0)
    mask.paste(spot, (int(centre[0] - radius[0]), int(centre[1] - radius[1])))
    light = Image.composite(Image.new("RGB", picture.size, color), picture.point(lambda _: 0), mask)
    return ImageChops.screen(picture, light)


def lay(picture: Picture, mask: Picture, top: Color, bottom: Color) -> None:
    """Paint a vertical gradient through the mask, over the mask's own height."""
    box = mask.getbbox()
    if box is None:
        return
    fill = gradient((box[2] - box[0], box[3] - box[1]), ((0.0, top), (1.0, bottom)))
    picture.paste(fill, box, mask.crop(box))


def below(size: Size, line: Iterable[Point]) -> Picture:
    """Return a mask of everything under a line that runs from the left edge to the right."""
    mask = Image.new("L", size, 0)
    corners = [*line, (size[0] + 4, size[1] + 4), (-4, size[1] + 4)]
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    return mask


def ridge(size: Size, base: float, height: float, name: str, waves: int) -> list[Point]:
    """Return a hilly line around `base`, both in shares of the picture's height."""
    dice = Dice(name)
    sines = [
        (dice.between(0.6, 1.4) * (n + 1) * waves, dice.between(0, 9), 0.55**n) for n in range(5)
    ]
    line = []
    for x in range(-8, size[0] + 9, 8):
        swing = sum(w * math.sin(math.tau * f * x / size[0] / 2 + p) for f, p, w in sines)
        line.append((float(x), size[1] * (base - height * swing / 2)))
    return line


def curve(joints: tuple[tuple[float, ...], ...], closed: bool, steps: int) -> list[list[float]]:
    """Return points of a smooth Bezier curve through all joints, of any dimension."""
    count = len(joints)
    points = []
    for n in range(count if closed else count - 1):
        near = [(n + k) % count if closed else max(0, min(count - 1, n + k)) for k in (-1, 0, 1, 2)]
        a, b, c, d = (joints[k] for k in near)
        points += [
            [_bezier(step / steps, *four) for four in zip(a, b, c, d, strict=True)]
            for step in range(steps + 1)
        ]
    return points


def _bezier(t: float, a: float, b: float, c: float, d: float) -> float:
    """One coordinate of the cubic from b to c whose handles point along a-c and b-d."""
    one, two = b + (c - a) / 6, c - (d - b) / 6
    return (1 - t) ** 3 * b + 3 * (1 - t) ** 2 * t * one + 3 * (1 - t) * t * t * two + t**3 * c


def stars(picture: Picture, count: int, depth: float) -> None:
    """Scatter stars over the upper `depth` of the picture, thinner towards the horizon."""
    pen, dice = ImageDraw.Draw(picture), Dice("stars")
    for _ in range(count):
        x, y = dice.between(0, picture.width), dice.between(0, 1) ** 1.5 * depth * picture.height
        size, shine = dice.between(0.8, 2.4), dice.between(0.25, 0.9)
        sky = picture.getpixel((int(x), int(y)))
        assert isinstance(sky, tuple)
        pen.ellipse(
            (x, y, x + size, y + size), fill=mix((sky[0], sky[1], sky[2]), (255, 240, 225), shine)
        )


def moon(picture: Picture, centre: Point, radius: float) -> None:
    """A young moon: a disc less a disc beside it."""
    disc = Image.new("L", picture.size, 0)
    pen = ImageDraw.Draw(disc)
    for shift, fill in ((0.0, 255), (0.42, 0)):
        x, y = centre[0] + shift * radius, centre[1] - shift * radius * 0.55
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
    picture.paste((255, 236, 214), (0, 0), disc.filter(ImageFilter.GaussianBlur(1.2)))
