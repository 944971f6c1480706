"""The social card: the horse, the name, and the strip, as links to Gallop are shown elsewhere."""

from PIL import Image, ImageDraw, ImageFilter

from config.samples.painting import Picture, levels

SIZE = (1200, 630)
FRAMES = 12
INK = (11, 11, 13)
PAPER = (246, 243, 236)
SAFELIGHT = (255, 104, 66)
# Everything is drawn this much larger, for smooth edges.
LARGE = 4
# The mark on a grid of 16: left and top of each of its four frames; the third is lit.
MARK = ((0.1, 5.4), (3.93, 2.9), (7.76, 1.9), (11.59, 4.3))
# The wordmark's letters: circles by their centre, stems by x, top and foot (see wordmark.svg).
RINGS = (36.9, 51.2, 77.4, 91.8)
STEMS = ((41.9, 10.7, 23.2), (56.2, 10.7, 21.3), (62.1, 4.6, 21.3), (68.0, 4.6, 21.3))
DESCENDER = (86.8, 10.7, 28.2)
STROKE = 2.5


def card(horse: Picture) -> Picture:
    """Return the card, made from the sample picture of the horse."""
    width, height = SIZE
    scale = width / horse.width
    picture = horse.resize((width, round(horse.height * scale)), Image.Resampling.LANCZOS)
    picture = picture.crop((0, picture.height - height - 10, width, picture.height - 10))
    shade = Image.linear_gradient("L").rotate(180).resize(SIZE)
    picture.paste(INK, (0, 0), levels(shade, 165, 255, 170))
    _strip(picture)
    _name(picture, (52, 40), 4.2)
    return picture


def _strip(picture: Picture) -> None:
    width, height = picture.size
    gap, tall = 6, 78
    wide = (width - gap * (FRAMES + 1)) / FRAMES
    film = picture.crop((250, 90, 1010, 518))
    picture.paste(INK, (0, height - tall - 2 * gap, width, height))
    for n in range(FRAMES):
        left = round(gap + n * (wide + gap))
        seen = film.width * (1 - 0.018 * n)
        part = film.crop((round(film.width - seen), 0, round(seen), film.height))
        shown = round(part.height * wide / tall)
        middle = (part.width - shown) // 2
        frame = part.crop((middle, 0, middle + shown, part.height)).resize((round(wide), tall))
        picture.paste(frame, (left, height - tall - gap))
    lit = round(gap + 4 * (wide + gap))
    ImageDraw.Draw(picture).rectangle(
        (lit, height - gap - 7, lit + round(wide) - 1, height - gap - 1), fill=SAFELIGHT
    )


def _name(picture: Picture, at: tuple[int, int], scale: float) -> None:
    """Write mark and wordmark; `scale` is pixels for a unit of wordmark.svg."""
    big = scale * LARGE
    sheet = Image.new("L", (round(100 * big), round(32 * big)), 0)
    pen, lit = ImageDraw.Draw(sheet), Image.new("L", sheet.size, 0)
    for n, (left, top) in enumerate(MARK):
        x, y, u = left * 1.5 * big, (4.2 + top * 1.5) * big, 1.5 * big
        shape = [(x + 1.7 * u, y), (x + 4.4 * u, y), (x + 2.75 * u, y + 8.6 * u), (x, y + 8.6 * u)]
        ImageDraw.Draw(lit if n == 2 else sheet).polygon(shape, fill=255)
    for x in RINGS:
        box = [v * big for v in (x - 6.25, 9.75, x + 6.25, 22.25)]
        pen.ellipse(box, outline=255, width=round(STROKE * big))
    for x, top, foot in (*STEMS, DESCENDER):
        pen.rectangle([v * big for v in (x - 1.25, top, x + 1.25, foot)], fill=255)
    pen.arc([v * big for v in (31.6, 15.9, 43.15, 29.45)], 0, 150, 255, round(STROKE * big))
    size = sheet.width // LARGE, sheet.height // LARGE
    for mask, color in ((sheet, PAPER), (lit, SAFELIGHT)):
        soft = mask.resize(size, Image.Resampling.LANCZOS)
        shadow = soft.filter(ImageFilter.GaussianBlur(9))
        picture.paste(INK, at, levels(shadow, 0, 255, 120))
        picture.paste(color, at, soft)
