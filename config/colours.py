"""The brand's colour as the admin's own package wants it."""

# The safelight's vermilion, from pale to deep: shade, lightness in percent, chroma.
SAFELIGHT = {
    "primary": {
        str(shade): f"oklch({lightness}% {chroma} 35)"
        for shade, lightness, chroma in (
            (50, 97, 0.02),
            (100, 94, 0.04),
            (200, 89, 0.07),
            (300, 82, 0.11),
            (400, 75, 0.16),
            (500, 68, 0.19),
            (600, 60, 0.19),
            (700, 52, 0.17),
            (800, 44, 0.14),
            (900, 38, 0.11),
            (950, 27, 0.08),
        )
    }
}

# The dark room around it: greys with a breath of blue, from paper to ink.
INK = {
    "base": {
        str(shade): f"oklch({lightness}% 0.005 270)"
        for shade, lightness in (
            *((50, 98), (100, 96.5), (200, 92), (300, 86), (400, 70), (500, 55)),
            *((600, 44), (700, 36), (800, 27), (900, 17), (950, 12)),
        )
    }
}
