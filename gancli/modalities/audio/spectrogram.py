"""Draw spectrograms, with axes."""

import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from gancli.modalities.audio.frames import after_end, from_item
from gancli.modalities.audio.spec import AudioSpec

LEFT, TOP = 36, 16  # pixels before the first clip: the labels of its frequencies, and units
RIGHT, BOTTOM = 48, 20  # pixels after the last: the scale of loudness, and the labels of times
_RANGE_DB = 60.0  # from the loudest band of a clip, white, down to black
_SILENT = 0.05  # of the logarithm of magnitude above silence, up to which all is black
_MARGIN = 2  # pixels around a clip
_SCALE = 2  # pixels of a file for each of the grid, in both directions
_FREQUENCIES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)  # kHz that get a label
_STEPS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # s between labels
_LABEL_HEIGHT, _LABEL_WIDTH = 13, 34  # pixels, with a little space
_PAPER, _INK, _AFTER_END = (52, 52, 58), (236, 236, 236), (0, 0, 96)


def spectrograms(
    items: Sequence[np.ndarray], spec: AudioSpec, frames: int, width: int | None = None
) -> np.ndarray:
    """Return the log-mel of items (frames, depth) in a near-square grid, uint8 (h, w, 3).

    If ``width`` is given, the grid is at most that many pixels wide, unless a single clip is wider.
    The horizontal axis is time, the vertical axis frequency. The loudest band of a clip is white,
    60 dB less is black, and blue marks the frames after the end of a clip. The first channel is
    at the top.
    """
    across, down = frames + _MARGIN, spec.channels * spec.bins + _MARGIN
    columns = min(len(items), round(math.sqrt(len(items) * down / across)))
    if width is not None:
        columns = min(columns, (width - _MARGIN) // across)
    columns = max(1, columns)
    rows = -(-len(items) // columns)
    canvas = np.full((rows * down + _MARGIN, columns * across + _MARGIN, 3), _PAPER, np.uint8)
    for index, item in enumerate(items):
        top, left = index // columns * down + _MARGIN, index % columns * across + _MARGIN
        tile = _tile(item, spec)
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return canvas


def as_png(
    items: Sequence[np.ndarray], spec: AudioSpec, frames: int, facts: Mapping[str, str],
    times: Sequence[tuple[float, float]] = (),
) -> bytes:
    """Return a PNG of spectrograms at twice their size, with axes: seconds, kHz (mel) and dB.

    Args:
        items, spec, frames: As for :func:`spectrograms`.
        facts: The file gets a text chunk for each.
        times: Where each clip begins and ends in a sound of all, in seconds, or nothing. The file
            keeps them for a reader that plays what is pointed at, as JSON under ``clips``: left,
            top, width and height as fractions of the picture, then the two times.
    """
    inner = slice(_MARGIN, -_MARGIN)  # axes are all the margin that the grid needs
    pixels = spectrograms(items, spec, frames)[inner, inner].repeat(_SCALE, 0).repeat(_SCALE, 1)
    bottom, right = TOP + pixels.shape[0], LEFT + pixels.shape[1]
    size = (right + RIGHT, bottom + BOTTOM)
    width, height = frames * _SCALE, spec.channels * spec.bins * _SCALE
    lefts = range(LEFT, right, width + _MARGIN * _SCALE)
    tops = range(TOP, bottom, height + _MARGIN * _SCALE)
    picture = Image.new("RGB", size, _PAPER)
    picture.paste(Image.fromarray(pixels), (LEFT, TOP))
    draw = ImageDraw.Draw(picture)
    draw.text((LEFT - 8, 2), "kHz", _INK, _font(), "ra")
    for top in tops:
        for channel in range(spec.channels):
            _frequencies(draw, top + channel * spec.bins * _SCALE, spec)
    draw.text((LEFT - 8, size[1] - 15), "s", _INK, _font(), "ra")
    for left in lefts:
        _times(draw, left, bottom, spec, frames)
    _loudness(picture, right + 8, min(pixels.shape[0], 2 * spec.bins))
    clips = [
        [lefts[index % len(lefts)] / size[0], tops[index // len(lefts)] / size[1],
         width / size[0], height / size[1], *interval]
        for index, interval in enumerate(times)
    ]
    text = PngInfo()
    for name, value in facts.items():
        text.add_text(name, value)
    if clips:
        text.add_text("clips", json.dumps(clips))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, pnginfo=text)
    return buffer.getvalue()


def _tile(item: np.ndarray, spec: AudioSpec) -> np.ndarray:
    """Return the pixels of an item, uint8, shape (channels * bins, frames, 3)."""
    bands = from_item(item, spec)
    decibels = (bands - bands.max()) * 20 / math.log(10)
    silent = from_item(after_end(spec)[None], spec)
    decibels[bands <= silent + _SILENT] = -_RANGE_DB  # or all of a silent clip would be white
    gray = np.rint(np.clip(1 + decibels / _RANGE_DB, 0, 1) * 255).astype(np.uint8)
    tile = np.full((spec.channels * spec.bins, len(item), 3), _AFTER_END, np.uint8)
    tile[:, : gray.shape[2]] = gray[:, ::-1].reshape(-1, gray.shape[2], 1)
    return tile


def frequency_ticks(spec: AudioSpec) -> Iterator[tuple[float, float]]:
    """Yield frequencies in kHz and the bands, from 0 on and fractional, that are centered there.

    The highest ones go first; those that leave no space for a label are left out.
    """

    def mel(hertz: float) -> float:
        return math.log10(1 + hertz / 700)

    last = math.inf
    for frequency in reversed(_FREQUENCIES):
        # The bands' centers divide the mel scale from 0 Hz to half the rate, ends not counted.
        band = mel(1000 * frequency) / mel(spec.rate / 2) * (spec.bins + 1) - 1
        if band <= spec.bins and (last - band) * _SCALE >= _LABEL_HEIGHT:
            last = band
            yield frequency, min(max(band, -0.5), spec.bins - 0.5)  # the edges are half a band off


def _frequencies(draw: ImageDraw.ImageDraw, top: int, spec: AudioSpec) -> None:
    """Draw the axis of frequency at the left of a channel."""
    for frequency, band in frequency_ticks(spec):
        y = top + round((spec.bins - 0.5 - band) * _SCALE)
        draw.line((LEFT - 5, y, LEFT - 1, y), _INK)
        # Inside of its own axis, since another may begin where this one ends.
        middle = min(max(y, top + 6), top + spec.bins * _SCALE - 6)
        draw.text((LEFT - 8, middle), f"{frequency:g}", _INK, _font(), "rm")


def _times(
    draw: ImageDraw.ImageDraw, left: int, top: int, spec: AudioSpec, frames: int
) -> None:
    """Draw the axis of time below a column of clips."""
    pixels = spec.rate / spec.hop * _SCALE  # to a second
    step = next((step for step in _STEPS if step * pixels >= _LABEL_WIDTH), _STEPS[-1])
    for number in range(int(frames * _SCALE / (step * pixels)) + 1):
        x = left + round(number * step * pixels)
        draw.line((x, top, x, top + 4), _INK)
        if number * step * pixels + _LABEL_WIDTH / 2 <= frames * _SCALE:
            anchor = "ma" if number else "la"
            draw.text((x, top + 5), f"{number * step:.4g}", _INK, _font(), anchor)


def _loudness(picture: Image.Image, left: int, height: int) -> None:
    """Draw the scale of loudness."""
    gray = np.linspace(255, 0, height).astype(np.uint8)
    bar = np.broadcast_to(gray[:, None, None], (height, 8, 3))
    picture.paste(Image.fromarray(np.ascontiguousarray(bar)), (left, TOP))
    draw = ImageDraw.Draw(picture)
    draw.text((left, 2), "dB", _INK, _font())
    for decibels, anchor in ((0, "lt"), (30, "lm"), (60, "lb")):
        y = TOP + round(decibels / _RANGE_DB * (height - 1))
        draw.line((left + 8, y, left + 11, y), _INK)
        draw.text((left + 14, y), f"-{decibels}" if decibels else "0", _INK, _font(), anchor)


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(11)
