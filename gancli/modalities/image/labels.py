"""Names of classes beside the rows of a picture."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_LARGEST, _SMALLEST = 16, 8  # pixels of the letters' size
_MARGIN = 4  # pixels around a name
_LONGEST = 32  # characters of a name that are shown
# Pillow's own font draws ASCII alone; for other letters one of these may be installed.
_FONTS = (
    "DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial Unicode.ttf",
    "NotoSansCJK-Regular.ttc", "Hiragino Sans GB.ttc",
)


def beside(names: Sequence[str], pixels: np.ndarray) -> np.ndarray:
    """Return rows of pictures with a name to the left of each, black on white.

    Args:
        names: A name for each row, from the top; all rows are equally high.
        pixels: uint8, shape (h, w, c) with 1, 3 or 4 channels.
    """
    height = len(pixels) // len(names)
    size = max(_SMALLEST, min(_LARGEST, height * 2 // 3))
    shown = [_shortened(name) for name in names]
    fonts = [_font(name, size) or ImageFont.load_default(size) for name in shown]
    lengths = [font.getlength(name) for name, font in zip(shown, fonts, strict=True)]
    width = round(max(lengths)) + 2 * _MARGIN
    column = Image.new("L", (width, len(pixels)), "white")
    draw = ImageDraw.Draw(column)
    for row, (name, font) in enumerate(zip(shown, fonts, strict=True)):
        draw.text((width - _MARGIN, (row + 0.5) * height), name, "black", font, anchor="rm")
    letters = np.asarray(column)[:, :, None]
    depth = pixels.shape[2]
    colored = letters.repeat(min(depth, 3), 2)
    if depth == 4:
        colored = np.concatenate([colored, np.full_like(letters, 255)], 2)
    return np.concatenate([colored, pixels], 1)


def drawable(name: str) -> bool:
    """Return whether some font here has all letters of a name; the others become boxes."""
    return _font(_shortened(name), _LARGEST) is not None


def _font(name: str, size: int) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont | None":
    """Return the first font that has all letters of a name, or None."""
    for file in (None, *_FONTS):
        try:
            font = ImageFont.truetype(file, size) if file else ImageFont.load_default(size)
        except OSError:
            continue  # it is not installed
        box = bytes(font.getmask("\ufffe"))
        if all(letter == " " or bytes(font.getmask(letter)) not in (box, b"") for letter in name):
            return font
    return None


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
