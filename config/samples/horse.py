"""The galloping horse, drawn from its anatomy: outlines, limbs, hooves, mane and tail.

Everything is measured in heads: x along its way, y up from the ground. It faces right.
"""

import math

from PIL import Image, ImageDraw, ImageFilter

from config.samples.painting import Dice, Picture, Point, Size, curve, levels

Joint = tuple[float, float, float]

# A closed curve runs through each outline; a limb is a line of joints with the half width at each.
OUTLINES: tuple[tuple[Point, ...], ...] = (
    # torso and neck
    (
        *((-1.22, 2.14), (-1.10, 2.29), (-0.84, 2.39), (-0.50, 2.37), (-0.10, 2.27), (0.25, 2.25)),
        *((0.50, 2.33), (0.74, 2.48), (1.00, 2.60), (1.36, 2.80), (1.70, 3.03), (1.98, 3.22)),
        *((2.16, 3.08), (2.10, 2.84), (1.97, 2.68), (1.79, 2.43), (1.59, 2.14), (1.45, 1.90)),
        *((1.32, 1.66), (1.10, 1.42), (0.80, 1.25), (0.45, 1.20), (0.10, 1.25), (-0.22, 1.36)),
        *((-0.52, 1.52), (-0.85, 1.45), (-1.12, 1.62), (-1.27, 1.90)),
    ),
    # head
    (
        *((1.97, 3.22), (2.09, 3.26), (2.25, 3.20), (2.42, 3.08), (2.58, 2.94), (2.74, 2.83)),
        *((2.87, 2.755), (2.955, 2.68), (2.985, 2.60), (2.95, 2.545), (2.905, 2.515), (2.90, 2.47)),
        *((2.84, 2.435), (2.775, 2.455), (2.71, 2.505), (2.60, 2.54), (2.48, 2.545), (2.36, 2.53)),
        *((2.24, 2.535), (2.13, 2.60), (2.05, 2.72), (1.94, 2.92)),
    ),
    # ears
    ((2.00, 3.18), (1.93, 3.33), (1.89, 3.47), (1.985, 3.42), (2.07, 3.33), (2.12, 3.22)),
    ((2.08, 3.20), (2.03, 3.35), (2.02, 3.50), (2.105, 3.42), (2.165, 3.31), (2.19, 3.19)),
)
LIMBS: tuple[tuple[Joint, ...], ...] = (
    # near fore, reaching for the ground
    (
        *((0.98, 1.72, 0.33), (1.16, 1.49, 0.25), (1.42, 1.36, 0.165), (1.72, 1.245, 0.112)),
        *((1.80, 1.21, 0.11), (1.90, 1.165, 0.078), (2.20, 1.02, 0.06), (2.34, 0.945, 0.083)),
        *((2.45, 0.85, 0.06), (2.51, 0.80, 0.068)),
    ),
    # off fore, folded
    (
        *((0.88, 1.66, 0.33), (1.06, 1.36, 0.24), (1.30, 1.13, 0.155), (1.49, 0.965, 0.11)),
        *((1.545, 0.885, 0.104), (1.46, 0.80, 0.076), (1.20, 0.66, 0.058), (1.06, 0.60, 0.08)),
        *((0.965, 0.64, 0.06), (0.915, 0.685, 0.066)),
    ),
    # near hind, pushing off, and the point of its hock
    (
        *((-0.86, 1.95, 0.40), (-0.74, 1.56, 0.37), (-0.90, 1.25, 0.24), (-1.13, 1.00, 0.14)),
        *((-1.31, 0.82, 0.112), (-1.37, 0.73, 0.108), (-1.43, 0.58, 0.078), (-1.56, 0.28, 0.064)),
        *((-1.62, 0.17, 0.086), (-1.69, 0.07, 0.062)),
    ),
    (
        *((-0.98, 1.36, 0.10), (-1.24, 1.08, 0.05), (-1.43, 0.925, 0.048)),
        *((-1.455, 0.83, 0.055), (-1.46, 0.66, 0.06)),
    ),
    # off hind, just lifted, and the point of its hock
    (
        *((-0.93, 1.98, 0.36), (-0.95, 1.66, 0.33), (-1.19, 1.42, 0.21), (-1.44, 1.27, 0.13)),
        *((-1.65, 1.155, 0.108), (-1.73, 1.075, 0.102), (-1.83, 0.94, 0.075), (-2.04, 0.69, 0.062)),
        *((-2.12, 0.60, 0.082), (-2.22, 0.60, 0.06)),
    ),
    (
        *((-1.20, 1.54, 0.09), (-1.54, 1.36, 0.045), (-1.765, 1.245, 0.045)),
        *((-1.80, 1.15, 0.052), (-1.86, 1.00, 0.058)),
    ),
)
HOOVES: tuple[tuple[Point, ...], ...] = (
    ((2.41, 0.81), (2.52, 0.885), (2.71, 0.765), (2.685, 0.70), (2.48, 0.70)),
    ((0.965, 0.575), (1.02, 0.71), (0.865, 0.815), (0.765, 0.76), (0.83, 0.64)),
    ((-1.755, 0.105), (-1.615, 0.08), (-1.67, -0.04), (-1.87, -0.06), (-1.86, 0.0)),
    ((-2.18, 0.52), (-2.20, 0.675), (-2.38, 0.705), (-2.455, 0.615), (-2.34, 0.525)),
)


def hair() -> list[tuple[Joint, ...]]:
    """Return the strands of mane and tail, streaming behind."""
    dice = Dice("hair")
    strands = []
    for n in range(20):
        t = n / 19
        root = (1.92 - 1.12 * t, 3.12 - 0.70 * t + 0.03 * math.sin(t * 3.1))
        length = 0.32 + 0.24 * math.sin(math.pi * min(1, t + 0.1)) + dice.between(-0.08, 0.12)
        way = math.radians(168 + 8 * t + dice.between(-9, 9))
        strands.append(_strand(root, way, length, dice.between(0.01, 0.05), 0.085))
    for n in range(17):
        t = n / 16
        length = 1.1 + 0.62 * math.sin(math.pi * (0.2 + 0.6 * t)) + dice.between(-0.28, 0.14)
        way = math.radians(164 + 30 * t + dice.between(-3, 3))
        lift = 0.15 * (1 - t) + dice.between(0.02, 0.06)
        strands.append(_strand((-1.14, 2.23 - 0.09 * t), way, length, lift, 0.06))
    return strands


def _strand(root: Point, way: float, length: float, lift: float, width: float) -> tuple[Joint, ...]:
    rows = (
        (0.0, 0.0, 1.0),
        (0.25, 1.0, 0.95),
        (0.55, 0.9, 0.62),
        (0.8, 0.2, 0.33),
        (1.0, -0.6, 0.07),
    )
    return tuple(
        (
            root[0] + math.cos(way) * length * along,
            root[1] + math.sin(way) * length * along + lift * up,
            width * thick,
        )
        for along, up, thick in rows
    )


def mask_of_horse(size: Size, foot: Point, head: float) -> Picture:
    """Return the galloping horse as a mask; `head` is its head's length in pixels."""
    mask = Image.new("L", size, 0)
    pen = ImageDraw.Draw(mask)

    def at(x: float, y: float) -> Point:
        return foot[0] + x * head, foot[1] - y * head

    def stroke(joints: tuple[Joint, ...]) -> None:
        for x, y, radius in curve(joints, closed=False, steps=40):
            a, b = at(x, y)
            r = radius * head
            pen.ellipse((a - r, b - r, a + r, b + r), fill=255)

    for outline in OUTLINES:
        pen.polygon([at(x, y) for x, y in curve(outline, closed=True, steps=16)], fill=255)
    for limb in LIMBS:
        stroke(limb)
    # Blur and cut: the joints flow into one skin.
    mask.paste(levels(mask.filter(ImageFilter.GaussianBlur(head / 43)), 120, 134))
    for hoof in HOOVES:
        pen.polygon([at(x, y) for x, y in hoof], fill=255)
    for strand in hair():
        stroke(strand)
    return levels(mask.filter(ImageFilter.GaussianBlur(head / 170)), 70, 170)
