"""The city at night, and the water before it."""

import math

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from config.samples.painting import (
    SCALE,
    Color,
    Dice,
    Picture,
    glow,
    gradient,
    lay,
    levels,
    mix,
    moon,
    noise,
    stars,
)


def city() -> Picture:
    """A city at night on the far bank, its windows in the water."""
    size = width, height = 1200 * SCALE, 1500 * SCALE
    bank = round(0.66 * height)
    picture = gradient(
        size,
        (
            *((0.0, (5, 8, 24)), (0.28, (17, 23, 56)), (0.48, (52, 42, 84))),
            *((0.60, (132, 70, 84)), (0.66, (214, 122, 84)), (1.0, (10, 10, 20))),
        ),
    )
    stars(picture, 190, 0.34)
    moon(picture, (0.22 * width, 0.15 * height), 0.030 * height)
    picture = glow(picture, (0.55 * width, bank), (0.85 * width, 0.42 * height), (190, 92, 84), 1.6)
    for n, (tone, haze) in enumerate(
        (((70, 46, 82), (168, 92, 88)), ((34, 27, 56), (78, 46, 66)), ((13, 13, 29), (22, 17, 33)))
    ):
        _row_of_houses(picture, bank, n, tone, haze)
    _quay(picture, bank)
    lights = levels(picture.convert("L").filter(ImageFilter.GaussianBlur(3)), 120, 255)
    bloom = Image.composite(picture, picture.point(lambda _: 0), lights).filter(
        ImageFilter.GaussianBlur(22)
    )
    picture = ImageChops.screen(picture, bloom)
    picture.paste(_water(picture.crop((0, 2 * bank - height, width, bank))), (0, bank))
    return picture


def _quay(picture: Picture, bank: int) -> None:
    """Street lamps along the water."""
    pen, dice = ImageDraw.Draw(picture), Dice("lamps")
    pen.rectangle((0, bank - 12, picture.width, bank), fill=(16, 12, 22))
    x = 0.0
    while x < picture.width:
        pen.ellipse((x, bank - 26, x + 9, bank - 17), fill=(255, 206, 140))
        x += dice.between(46, 74)


def _row_of_houses(picture: Picture, bank: int, row: int, tone: Color, haze: Color) -> None:
    """One row of towers, the nearer ones darker, with more windows that are larger."""
    dice = Dice(f"houses {row}")
    x = -0.02 * picture.width
    while x < picture.width:
        wide = picture.width * dice.between(0.035, 0.085) * (0.8 + 0.25 * row)
        middle = 1 - abs((x + wide / 2) / picture.width - (0.60, 0.34, 0.70)[row]) * 1.9
        tall = picture.height * (
            0.10 + (0.40, 0.30, 0.17)[row] * max(0.0, middle) * dice.between(0.45, 1)
        )
        _tower(picture, (x, bank - tall, x + wide, float(bank)), row, (tone, haze), dice)
        x += wide * dice.between(0.86, 1.18)


def _tower(
    picture: Picture,
    box: tuple[float, float, float, float],
    row: int,
    tones: tuple[Color, Color],
    dice: Dice,
) -> None:
    left, top, right, _ = box
    body = Image.new("L", picture.size, 0)
    pen = ImageDraw.Draw(body)
    pen.rectangle(box, fill=255)
    wide = right - left
    if dice.between(0, 1) < 0.45:  # a set-back top, sometimes with a mast
        pen.rectangle((left + wide * 0.2, top - wide * 0.35, right - wide * 0.2, top), fill=255)
        if dice.between(0, 1) < 0.6:
            pen.rectangle((left + wide * 0.49, top - wide * 1.2, left + wide * 0.52, top), fill=255)
    lay(picture, body, *tones)
    _windows(picture, box, row, dice)


def _windows(
    picture: Picture, box: tuple[float, float, float, float], row: int, dice: Dice
) -> None:
    left, top, right, foot = box
    pen = ImageDraw.Draw(picture)
    step = (9, 12, 16)[row]
    lit = dice.between(0.16, 0.5)
    warm = ((255, 214, 150), (255, 186, 108), (255, 236, 200), (190, 214, 255))
    y = top + step
    while y < foot - step * 1.5:
        floor = lit * dice.between(0.3, 1.5)  # people stay late together: whole floors are bright
        x = left + step * 0.7
        while x < right - step:
            if dice.between(0, 1) < floor:
                color = mix(warm[int(dice.between(0, 3.25))], (60, 40, 70), dice.between(0, 0.55))
                pen.rectangle((x, y, x + step * 0.5, y + step * 0.62), fill=color)
            x += step
        y += step * 1.35


def _water(above: Picture) -> Picture:
    """The reflection: turned over, smeared downwards, broken by ripples, darker with distance."""
    width, height = above.size
    turned = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    smeared = turned.resize((width, height // 60), Image.Resampling.BOX).resize(above.size)
    smeared = Image.blend(smeared, turned.filter(ImageFilter.GaussianBlur(6)), 0.3)
    water, dice = smeared.copy(), Dice("ripples")
    y = 0
    while y < height:
        near = y / height
        strip = max(2, round(3 + 9 * near))
        sway = (2 + 26 * near) * math.sin(y * 0.06 / (0.3 + near))
        shift = round(sway + dice.between(-3, 3) * (0.4 + 2 * near))
        water.paste(smeared.crop((0, y, width, min(height, y + strip))), (shift, y))
        y += strip
    # Every lit window draws a long streak towards us.
    lamps = Image.composite(turned, turned.point(lambda _: 0), levels(turned.convert("L"), 90, 200))
    streaks = lamps.resize((width, height // 44), Image.Resampling.BOX).resize(above.size)
    streaks = streaks.filter(ImageFilter.GaussianBlur(3)).point(
        [min(255, v * 3) for v in range(256)] * 3
    )
    rows = noise("wavelets", 70, height // 9).resize(above.size, Image.Resampling.BICUBIC)
    streaks = ImageChops.multiply(streaks, Image.merge("RGB", [levels(rows, 10, 230)] * 3))
    water = ImageChops.screen(Image.blend(water, smeared, 0.35), streaks)
    water = water.point([min(255, v * 5 // 4) for v in range(256)] * 3)
    tint = gradient(
        above.size, ((0.0, (214, 200, 214)), (0.5, (150, 146, 176)), (1.0, (56, 60, 96)))
    )
    return ImageChops.multiply(water, tint)
