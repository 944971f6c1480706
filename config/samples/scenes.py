"""Three of the scenes: a horse at sunrise, dunes at dusk, a sea with a low sun."""

import math

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from config.samples.horse import mask_of_horse
from config.samples.painting import (
    SCALE,
    Dice,
    Picture,
    Point,
    Size,
    below,
    clouds,
    glow,
    gradient,
    lay,
    levels,
    mix,
    moon,
    ridge,
    stars,
)

SLIP_LEAST = 0.012  # a dune with less of a slope, in shares of the height, throws no shadow


def horse() -> Picture:
    """A galloping horse before a huge rising sun, dust behind it."""
    size = width, height = 1600 * SCALE, 900 * SCALE
    picture = gradient(
        size,
        (
            *((0.0, (24, 17, 46)), (0.30, (84, 33, 68)), (0.55, (184, 62, 56))),
            *((0.72, (240, 128, 58)), (0.80, (255, 186, 98)), (1.0, (255, 196, 110))),
        ),
    )
    veil = levels(clouds("morning", size, (2, 9)), 120, 230, 90)
    picture.paste(Image.new("RGB", size, (255, 150, 110)), (0, 0), veil)
    sun, radius = (0.565 * width, 0.555 * height), 0.295 * height
    picture = glow(picture, sun, (1.25 * height, 1.0 * height), (255, 120, 50), 2.2)
    disc = Image.new("L", size, 0)
    ImageDraw.Draw(disc).ellipse([c + s * radius for s in (-1, 1) for c in sun], fill=255)
    lay(picture, disc, (255, 246, 214), (255, 176, 84))
    for n, color in enumerate(((206, 96, 60), (150, 60, 52), (98, 38, 44))):
        line = ridge(size, 0.775 + 0.014 * n, 0.035 - 0.008 * n, f"hill {n}", 2 + n)
        lay(picture, below(size, line), color, mix(color, (255, 150, 80), 0.25))
    line = ridge(size, 0.815, 0.006, "plain", 3)
    plain = below(size, line)
    lay(picture, plain, (112, 46, 42), (14, 7, 11))
    grass = levels(clouds("grass", size, (14, 120), 3), 118, 190, 120)
    picture.paste((30, 13, 18), (0, 0), ImageChops.multiply(grass, plain))
    picture = glow(
        picture, (0.5 * width, 0.83 * height), (0.9 * height, 0.10 * height), (255, 130, 60), 1.5
    )
    return _gallop(picture, size)


def _gallop(picture: Picture, size: Size) -> Picture:
    width, height = size
    foot, head = (0.515 * width, 0.868 * height), 0.158 * height
    mask = mask_of_horse(size, foot, head)
    dust = levels(clouds("dust", size, (9, 6), 6), 84, 190)
    far = _dust_shape(
        size,
        ((0.0, 0.74, 0.34, 0.90), (0.13, 0.64, 0.38, 0.90), (0.30, 0.76, 0.52, 0.90)),
    )
    picture.paste((255, 176, 104), (0, 0), ImageChops.multiply(dust, far))
    shadow = mask.transform(
        size, Image.Transform.AFFINE, (1, 0.9, -0.9 * foot[1], 0, -4.2, 5.2 * foot[1])
    ).filter(ImageFilter.GaussianBlur(14))
    picture.paste((8, 4, 8), (0, 0), levels(shadow, 0, 255, 170))
    picture.paste((17, 9, 14), (0, 0), mask)
    # The sun stands behind: a thin warm rim on the skin.
    inner = mask.filter(ImageFilter.GaussianBlur(5))
    rim = ImageChops.multiply(levels(ImageChops.subtract(mask, inner), 20, 200, 150), mask)
    picture.paste((255, 138, 70), (0, 0), rim)
    near = _dust_shape(size, ((0.03, 0.83, 0.36, 0.93), (0.26, 0.84, 0.40, 0.90)))
    thick = ImageChops.multiply(levels(clouds("near dust", size, (12, 8), 6), 90, 200, 235), near)
    picture.paste((232, 136, 78), (0, 0), thick)
    _clods(picture, foot, head)
    return picture


def _dust_shape(size: Size, boxes: tuple[tuple[float, ...], ...]) -> Picture:
    mask = Image.new("L", (size[0] // 8, size[1] // 8), 0)
    pen = ImageDraw.Draw(mask)
    for left, top, right, bottom in boxes:
        w, h = mask.size
        pen.ellipse((left * w, top * h, right * w, bottom * h), fill=225)
    return mask.filter(ImageFilter.GaussianBlur(mask.size[0] / 26)).resize(size)


def _clods(picture: Picture, foot: Point, head: float) -> None:
    """Earth thrown up behind the pushing hoof."""
    pen, dice = ImageDraw.Draw(picture), Dice("clods")
    for _ in range(70):
        far = dice.between(0, 1) ** 1.8
        x = foot[0] - head * (1.85 + 1.5 * far)
        y = foot[1] - head * (
            0.02 + 0.75 * math.sin(math.pi * min(1, far * 0.9)) * dice.between(0, 1)
        )
        r = head * dice.between(0.003, 0.013) * (1.3 - far)
        pen.ellipse((x - 1.7 * r, y - r, x + 1.7 * r, y + r), fill=(30, 14, 16))


def dunes() -> Picture:
    """Dunes at dusk, ridge behind ridge, one side of each in the last light."""
    size = width, height = 1600 * SCALE, 1067 * SCALE
    picture = gradient(
        size,
        (
            *((0.0, (17, 22, 52)), (0.20, (52, 46, 92)), (0.36, (138, 82, 118))),
            *((0.46, (226, 136, 116)), (0.54, (255, 190, 138)), (1.0, (255, 190, 138))),
        ),
    )
    stars(picture, 150, 0.30)
    picture = glow(
        picture, (0.24 * width, 0.53 * height), (0.9 * height, 0.5 * height), (255, 150, 90), 2
    )
    moon(picture, (0.78 * width, 0.16 * height), 0.024 * height)
    for n in range(6):
        _dune(picture, n / 5, n)
    return picture


def _dune(picture: Picture, near: float, number: int) -> None:
    """One dune: `near` runs from 0 at the horizon to 1 at our feet."""
    size = picture.size
    base = 0.51 + 0.40 * near**1.3
    line = ridge(size, base, 0.026 + 0.15 * near, f"dune {number}", 3 - round(2 * near))
    light = mix((240, 156, 124), (190, 84, 54), near)
    dark = mix((188, 108, 118), (30, 16, 36), near**0.8)
    body = below(size, line)
    lay(picture, body, light, mix(light, dark, 0.9))
    lee = ImageChops.multiply(body, _lee(size, line, near))
    lay(picture, lee, mix(light, dark, 0.86), dark)
    # Evening haze gathers in the valleys between this dune and the next.
    haze = gradient(size, ((0.0, (0,) * 3), (base, (0,) * 3), (1.0, (120,) * 3))).convert("L")
    picture.paste(mix((255, 176, 140), (70, 36, 52), near), (0, 0), ImageChops.multiply(haze, body))


def _lee(size: Size, line: list[Point], near: float) -> Picture:
    """The slip faces: sharp along each crest's winding edge, lost to the right and downwards."""
    mask = Image.new("L", size, 0)
    lows = [min(y for _, y in line[max(0, n - 6) : n + 7]) for n in range(len(line))]
    for crest in (n for n in range(1, len(line) - 1) if line[n][1] == lows[n]):
        (x, y), rest = line[crest], range(crest, len(line) - 1)
        valley = next((n for n in rest if line[n + 1][1] < line[n][1]), len(line) - 1)
        end, low = line[valley]
        if low - y < SLIP_LEAST * size[1]:
            continue
        drop = (low - y + 0.03 * size[1]) * 2.2
        shape = [*_winding(line[crest], drop), (end, y + drop), *line[crest : valley + 1][::-1]]
        face = Image.new("L", size, 0)
        ImageDraw.Draw(face).polygon(shape, fill=255)
        down = _fade(size[1], y + 0.1 * drop, y + drop).resize(size)
        right = _fade(size[0], x + 0.3 * (end - x), end).transpose(Image.Transpose.ROTATE_90)
        mask = ImageChops.lighter(
            mask, ImageChops.multiply(face, ImageChops.multiply(down, right.resize(size)))
        )
    return mask.filter(ImageFilter.GaussianBlur(2 + 2 * near))


def _winding(crest: Point, drop: float) -> list[Point]:
    """The edge that runs from a crest down towards us, in one long bend."""
    steps = (n / 60 for n in range(61))
    return [
        (
            crest[0] - 0.16 * drop * math.sin(math.tau * t * 0.8) - 0.1 * drop * t,
            crest[1] + drop * t,
        )
        for t in steps
    ]


def _fade(length: int, full: float, none: float) -> Picture:
    """A column that is white down to `full` and black from `none` on."""
    column = Image.new("L", (1, length))
    for n in range(length):
        t = max(0.0, min(1.0, (none - n) / max(1.0, none - full)))
        column.putpixel((0, n), round(255 * t * t * (3 - 2 * t)))
    return column


def sea() -> Picture:
    """A calm sea, the sun a hand above it, one sail."""
    size = width, height = 1600 * SCALE, 900 * SCALE
    horizon, sun = 0.53 * height, (0.60 * width, 0.435 * height)
    picture = gradient(
        size,
        (
            *((0.0, (38, 58, 98)), (0.22, (92, 102, 140)), (0.40, (214, 146, 128))),
            *((0.53, (255, 206, 150)), (0.531, (216, 150, 122)), (0.62, (112, 98, 118))),
            *((0.78, (36, 62, 92)), (1.0, (10, 26, 46))),
        ),
    )
    upper = Image.new("L", size, 0)
    upper.paste(
        levels(clouds("evening", size, (2, 16)), 128, 225, 150).crop((0, 0, width, int(horizon)))
    )
    picture.paste((255, 196, 160), (0, 0), upper)
    picture = glow(picture, sun, (0.95 * height, 0.7 * height), (255, 170, 90), 2.4)
    disc = Image.new("L", size, 0)
    radius = 0.062 * height
    ImageDraw.Draw(disc).ellipse([c + s * radius for s in (-1, 1) for c in sun], fill=255)
    picture.paste((255, 244, 208), (0, 0), disc)
    _swell(picture, horizon)
    _glitter(picture, horizon, sun[0])
    _sail(picture, (0.215 * width, horizon + 0.006 * height), 0.062 * height)
    return picture


def _swell(picture: Picture, horizon: float) -> None:
    """Waves: flat lenses of darker and lighter water, larger the nearer they are."""
    pen, dice = ImageDraw.Draw(picture), Dice("swell")
    for n in range(5200):
        near = (n / 5200) ** 0.9
        y = horizon + (picture.height - horizon) * near**1.7 * 1.04 + 3
        x = dice.between(-0.1, 1.1) * picture.width
        wide, high = 14 + 330 * near**1.5 * dice.between(0.3, 1), 1.2 + 11 * near**1.4
        deep = dice.between(0, 1) < 0.62
        color = (
            mix((176, 122, 112), (8, 22, 42), near**0.6)
            if deep
            else mix((238, 176, 140), (74, 98, 124), near**0.7)
        )
        pen.chord((x - wide, y - high, x + wide, y + high), 190, 350, fill=color)


def _glitter(picture: Picture, horizon: float, middle: float) -> None:
    """The sun's path on the water, broken into sparks that widen and thin out towards us."""
    light = Image.new("L", picture.size, 0)
    pen, dice = ImageDraw.Draw(light), Dice("glitter")
    for n in range(2300):
        near = (n / 2300) ** 1.15
        y = horizon + (picture.height - horizon) * near**1.45 + 2
        off = sum(dice.between(-1, 1) for _ in range(4)) / 2
        x = middle + picture.height * (0.045 + 0.23 * near) * off
        wide = (6 + 52 * near * dice.between(0.2, 1)) * (1.15 - 0.6 * abs(off))
        high = 0.9 + 3.2 * near
        shine = round(255 - 120 * near * dice.between(0, 1) - 60 * abs(off))
        pen.ellipse((x - wide, y - high, x + wide, y + high), fill=max(40, shine))
    halo = levels(light.filter(ImageFilter.GaussianBlur(26)), 0, 255, 150)
    picture.paste((255, 158, 98), (0, 0), halo)
    picture.paste((255, 230, 180), (0, 0), light.filter(ImageFilter.GaussianBlur(0.8)))


def _sail(picture: Picture, foot: Point, tall: float) -> None:
    x, y = foot
    pen = ImageDraw.Draw(picture)
    ink = (58, 40, 58)
    pen.polygon(
        [(x + 3, y - tall), (x + 3, y - 0.12 * tall), (x + 0.42 * tall, y - 0.12 * tall)], fill=ink
    )
    pen.polygon(
        [(x - 4, y - 0.9 * tall), (x - 4, y - 0.12 * tall), (x - 0.26 * tall, y - 0.12 * tall)],
        fill=ink,
    )
    hull = [(-0.34, -0.08), (0.44, -0.08), (0.33, 0.02), (-0.26, 0.02)]
    pen.polygon([(x + a * tall, y + b * tall) for a, b in hull], fill=ink)
    for n in range(9):
        half = tall * 0.26 * (1 - n / 11)
        pen.line(
            (x - half, y + 5 + 7 * n, x + half, y + 5 + 7 * n),
            fill=mix(ink, (160, 116, 112), 0.35 + n / 18),
            width=3,
        )
