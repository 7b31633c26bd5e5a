"""Pictures as bytes that a terminal draws: Sixel, Kitty, iTerm2, half blocks, characters.

Pictures are uint8, shape (h, w, c): gray, RGB or RGBA. What is clear stays as the terminal is.
"""

import base64
import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from gancli.runtime.terminal import Terminal

_BAND = 6  # rows of pixels in a row of sixels
_CHUNK = 4096  # characters of base64 that Kitty takes at a time
_SHADES = b" .:-=+*#%@"  # from dark to bright, since most terminals are dark
_CUBE = np.array([0, 95, 135, 175, 215, 255])  # xterm's 256 colors: a cube, then grays
_PALETTE = np.concatenate([
    np.stack(np.meshgrid(_CUBE, _CUBE, _CUBE, indexing="ij"), -1).reshape(-1, 3),
    np.repeat(np.arange(8, 248, 10), 3).reshape(-1, 3),
])
_FIRST_COLOR = 16  # the number of the palette's first
_MAX_TEXT_SCALE = 8  # unless someone asks for more


def draw(pixels: np.ndarray, terminal: Terminal, scale: int | None = None) -> bytes:
    """Return a picture as bytes for a terminal, whose cursor is then below it.

    Args:
        pixels: The picture.
        terminal: Where it is drawn.
        scale: Side of the square that each pixel becomes; as large as the terminal has room for,
            but no wider than a character, if it is None. A picture that is too wide is made
            smaller.
    """
    fitting = _fitted(pixels, terminal, scale)
    match terminal.protocol:
        case "kitty":
            return kitty(fitting)
        case "iterm":
            return iterm(fitting)
        case "sixel":
            return sixel(fitting, terminal.colors)
        case "blocks":
            return half_blocks(fitting, terminal.colors > 256)
        case "characters":
            return characters(fitting)


def _fitted(pixels: np.ndarray, terminal: Terminal, scale: int | None) -> np.ndarray:
    """Return a picture as large as it is drawn."""
    height, width = pixels.shape[:2]
    extent = terminal.extent
    if width > extent[0]:
        smaller = to_pillow(pixels).resize(
            (extent[0], max(1, round(height * extent[0] / width))), Image.Resampling.BOX
        )
        return np.asarray(smaller).reshape(smaller.height, smaller.width, -1)
    if scale is None:
        max_scale = _MAX_TEXT_SCALE if terminal.is_text else terminal.cell[0]
        scale = max(1, min(extent[0] // width, extent[1] // height, max_scale))
    scale = min(scale, extent[0] // width)
    return pixels.repeat(scale, 0).repeat(scale, 1)


def to_pillow(pixels: np.ndarray) -> Image.Image:
    """Return pixels, uint8 (h, w, c) with 1, 3 or 4 channels, as a Pillow image."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _rgb_and_opaque(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture's colors, uint8 (h, w, 3), and which of its pixels are not clear."""
    depth = pixels.shape[2]
    opaque = pixels[:, :, 3] >= 128 if depth == 4 else np.full(pixels.shape[:2], True)
    return pixels[:, :, :3] if depth >= 3 else pixels.repeat(3, 2), opaque


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    to_pillow(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def kitty(pixels: np.ndarray) -> bytes:
    """Return a picture for Kitty's graphics protocol: a PNG in base64, in chunks."""
    data = base64.b64encode(_png(pixels))
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    parts = [
        b"\x1b_G%sm=%d;%s\x1b\\" % (
            b"" if index else b"a=T,f=100,q=2,", index + 1 < len(chunks), chunk
        )
        for index, chunk in enumerate(chunks)
    ]
    return b"".join(parts) + b"\n"


def iterm(pixels: np.ndarray) -> bytes:
    """Return a picture for iTerm2's inline images: a PNG in base64, one pixel for each of its."""
    data, (height, width) = _png(pixels), pixels.shape[:2]
    return b"\x1b]1337;File=inline=1;size=%d;width=%dpx;height=%dpx:%s\x07\n" % (
        len(data), width, height, base64.b64encode(data)
    )


def sixel(pixels: np.ndarray, colors: int = 256) -> bytes:
    """Return a picture as sixels: bands of six rows, a pass over each band for each color in it.

    Args:
        pixels: The picture.
        colors: The most that the terminal has at a time.
    """
    rgb, opaque = _rgb_and_opaque(pixels)
    height, width = opaque.shape
    reduced = Image.fromarray(np.ascontiguousarray(rgb)).quantize(
        colors, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    palette = np.array(reduced.getpalette(), int).reshape(-1, 3)
    numbers = np.where(opaque, np.asarray(reduced).astype(int), -1)
    parts = [b'\x1bP0;1q"1;1;%d;%d' % (width, height)]  # 0;1: what is not drawn stays as it is
    for number in np.unique(numbers[opaque]):
        percent = np.rint(palette[number] / 2.55).astype(int)
        parts.append(b"#%d;2;%d;%d;%d" % (number, *percent))
    for top in range(0, height, _BAND):
        band = numbers[top : top + _BAND]
        weights = 1 << np.arange(len(band))
        passes = [
            b"#%d" % number + _run_lengths(weights @ (band == number) + ord("?"))
            for number in np.unique(band[band >= 0])
        ]
        parts.append(b"$".join(passes) + b"-")
    return b"".join(parts) + b"\x1b\\\n"


def _run_lengths(codes: np.ndarray) -> bytes:
    """Return characters, by their codes, with ``!N`` for N times the same."""
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    lengths = np.diff(starts, append=len(codes))
    return b"".join(
        b"!%d%c" % (length, codes[start]) if length > 3 else b"%c" % codes[start] * length
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
    )


def half_blocks(pixels: np.ndarray, truecolor: bool = True) -> bytes:
    """Return a picture as text: each character is two pixels, one above the other.

    Args:
        pixels: The picture.
        truecolor: Whether the terminal has 24-bit colors; else xterm's 256 are used.
    """
    rgb, opaque = _rgb_and_opaque(pixels)
    if len(rgb) % 2:
        rgb = np.concatenate([rgb, rgb[-1:]])
        opaque = np.concatenate([opaque, np.full_like(opaque[-1:], False)])
    codes = _true(rgb) if truecolor else _nearest(rgb)
    return b"".join(
        b"".join(_cells(*(
            [code if seen else None for code, seen in zip(codes[row], opaque[row], strict=True)]
            for row in (top, top + 1)
        ))) + b"\x1b[0m\n"
        for top in range(0, len(rgb), 2)
    )


def _true(rgb: np.ndarray) -> list[list[bytes]]:
    return [[b"2;%d;%d;%d" % tuple(color) for color in row] for row in rgb.tolist()]


def _nearest(rgb: np.ndarray) -> list[list[bytes]]:
    flat, back = np.unique(rgb.reshape(-1, 3), axis=0, return_inverse=True)
    distances = ((flat[:, None].astype(int) - _PALETTE) ** 2).sum(2)
    numbers = (_FIRST_COLOR + distances.argmin(1))[back.reshape(rgb.shape[:2])]
    return [[b"5;%d" % number for number in row] for row in numbers.tolist()]


def _cells(upper: list[bytes | None], lower: list[bytes | None]) -> Iterator[bytes]:
    """Yield the characters of a line, each after the change of color that it needs."""
    now: tuple[bytes, bytes] | None = None
    for above, below in zip(upper, lower, strict=True):
        ink, letter = (below, "▄") if above is None else (above, "▀")
        paper = None if above is None else below
        colors = (
            b"39" if ink is None else b"38;" + ink, b"49" if paper is None else b"48;" + paper
        )
        if colors != now:
            yield b"\x1b[%s;%sm" % colors
            now = colors
        yield b" " if ink is None else letter.encode()


def characters(pixels: np.ndarray) -> bytes:
    """Return a picture as ASCII: a character is two pixels, one above the other, by brightness."""
    rgb, opaque = _rgb_and_opaque(pixels)
    light = np.where(opaque, rgb @ np.array([0.299, 0.587, 0.114]), 0.0)
    if len(light) % 2:
        light = np.concatenate([light, light[-1:]])
    mean = (light[::2] + light[1::2]) / 2
    shades = np.rint(mean * (len(_SHADES) - 1) / 255).astype(int)
    lines = np.frombuffer(_SHADES, np.uint8)[shades]
    return b"".join(line.tobytes().rstrip() + b"\n" for line in lines)

