"""Draw spectrograms, with axes."""

import io
import json
import math
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from gancli.modalities.audio.mel import after_end, from_item
from gancli.modalities.audio.spec import AudioSpec

LEFT, TOP = 36, 16  # pixels before the first clip: the labels of its frequencies, and units
RIGHT, BOTTOM = 48, 20  # pixels after the last: the scale of loudness, and the labels of times
_RANGE_DB = 60.0  # from the loudest band of a clip, white, down to black
_SILENT = 0.05  # of the logarithm of magnitude above silence, up to which all is black
_MARGIN = 4  # pixels between clips
_SCALE = 2  # pixels for each band and frame, in both directions
_FREQUENCIES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)  # kHz that get a label
_STEPS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # s between labels
_LABEL_HEIGHT, _LABEL_WIDTH = 13, 34  # pixels, with a little space
_PAPER, _INK, _AFTER_END = (52, 52, 58), (236, 236, 236), (0, 0, 96)


def spectrograms(
    items: Sequence[np.ndarray], spec: AudioSpec, frames: int, times: Sequence[tuple[float, float]]
) -> bytes:
    """Return a PNG of the log-mel of items (frames, depth) in a near-square grid.

    Time goes to the right, in seconds, and frequency upward, in kHz on the mel scale. The loudest
    band of a clip is white, and 60 dB below it is black; blue is what follows the end of a clip.
    Channels are stacked, the first at the top.

    Args:
        items: The clips, each with as many frames as ``frames`` says or fewer.
        spec: Of the model.
        frames: The most that a clip may have.
        times: Where each clip begins and ends in a sound of all, in seconds, or nothing. The file
            keeps them for a reader that plays what is pointed at, as JSON under ``clips``: left,
            top, width and height as fractions of the picture, then the two times.
    """
    height, width = spec.channels * spec.bins * _SCALE, frames * _SCALE
    columns = max(1, min(len(items), round(math.sqrt(len(items) * height / width))))
    rows = -(-len(items) // columns)
    grid_width = columns * (width + _MARGIN) - _MARGIN
    grid_height = rows * (height + _MARGIN) - _MARGIN
    size = (LEFT + grid_width + RIGHT, TOP + grid_height + BOTTOM)
    picture = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(picture)
    lefts = [LEFT + column * (width + _MARGIN) for column in range(columns)]
    tops = [TOP + row * (height + _MARGIN) for row in range(rows)]
    for index, item in enumerate(items):
        tile = Image.fromarray(_tile(item, spec))
        picture.paste(tile, (lefts[index % columns], tops[index // columns]))
    draw.text((LEFT - 8, 2), "kHz", _INK, _font(), "ra")
    for top in tops:
        for channel in range(spec.channels):
            _frequencies(draw, top + channel * spec.bins * _SCALE, spec)
    draw.text((LEFT - 8, size[1] - 15), "s", _INK, _font(), "ra")
    for left in lefts:
        _times(draw, left, TOP + grid_height, spec, frames)
    _loudness(picture, LEFT + grid_width + 8, min(grid_height, 2 * spec.bins))
    clips = [
        [lefts[index % columns] / size[0], tops[index // columns] / size[1], width / size[0],
         height / size[1], *interval]
        for index, interval in enumerate(times)
    ]
    notes = PngInfo()
    if clips:
        notes.add_text("clips", json.dumps(clips))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, pnginfo=notes)
    return buffer.getvalue()


def _tile(item: np.ndarray, spec: AudioSpec) -> np.ndarray:
    """Return the pixels of an item, uint8, shape (height, width, 3)."""
    bands = from_item(item, spec)
    decibels = (bands - bands.max()) * 20 / math.log(10)
    silent = from_item(after_end(spec).numpy()[None], spec)
    decibels[bands <= silent + _SILENT] = -_RANGE_DB  # or all of a silent clip would be white
    grey = np.rint(np.clip(1 + decibels / _RANGE_DB, 0, 1) * 255).astype(np.uint8)
    tile = np.full((spec.channels * spec.bins, len(item), 3), _AFTER_END, np.uint8)
    tile[:, : grey.shape[2]] = grey[:, ::-1].reshape(-1, grey.shape[2], 1)
    return tile.repeat(_SCALE, 0).repeat(_SCALE, 1)


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
    grey = np.linspace(255, 0, height).astype(np.uint8)
    bar = np.broadcast_to(grey[:, None, None], (height, 8, 3))
    picture.paste(Image.fromarray(np.ascontiguousarray(bar)), (left, TOP))
    draw = ImageDraw.Draw(picture)
    draw.text((left, 2), "dB", _INK, _font())
    for decibels, anchor in ((0, "lt"), (30, "lm"), (60, "lb")):
        y = TOP + round(decibels / _RANGE_DB * (height - 1))
        draw.line((left + 8, y, left + 11, y), _INK)
        draw.text((left + 14, y), f"-{decibels}" if decibels else "0", _INK, _font(), anchor)


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(11)
