"""Draw spectrograms."""

import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, PngImagePlugin

from gancli.modalities.audio.frames import from_item
from gancli.modalities.audio.spec import AudioSpec

_RANGE_DB = 60.0  # from the loudest band of a clip, white, down to black
_MARGIN = 2  # pixels around a clip
_SCALE = 2  # screen pixels for each band and frame, in both directions


def spectrograms(
    items: Sequence[np.ndarray], spec: AudioSpec, frames: int, width: int | None = None
) -> np.ndarray:
    """Return the log-mel of items (frames, depth) in a near-square grid, uint8 (h, w, 3).

    The grid is no wider than ``width`` pixels, if that is given and one clip fits. Time goes to
    the right and frequency upward. The loudest band of a clip is white, and 60 dB below it is
    black; blue is what follows the end of a clip. Channels are stacked, the first at the top.
    """
    across, height = frames + _MARGIN, spec.channels * spec.bins + _MARGIN
    columns = min(len(items), round(math.sqrt(len(items) * height / across)))
    if width is not None:
        columns = min(columns, (width - _MARGIN) // across)
    columns = max(1, columns)
    rows = -(-len(items) // columns)
    canvas = np.full((rows * height + _MARGIN, columns * across + _MARGIN, 3), 96, np.uint8)
    for index, item in enumerate(items):
        top, left = index // columns * height + _MARGIN, index % columns * across + _MARGIN
        bands = from_item(item, spec)
        decibels = (bands - bands.max()) * 20 / math.log(10)
        grey = np.rint(np.clip(1 + decibels / _RANGE_DB, 0, 1) * 255).astype(np.uint8)
        tile = np.full((spec.channels * spec.bins, len(item), 3), (0, 0, 96), np.uint8)
        tile[:, : grey.shape[2]] = grey[:, ::-1].reshape(-1, grey.shape[2], 1)
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return canvas


def as_png(pixels: np.ndarray, facts: Mapping[str, str]) -> bytes:
    """Return spectrograms as a PNG of twice the size, with a text chunk for each fact."""
    text, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    for name, value in facts.items():
        text.add_text(name, value)
    enlarged = pixels.repeat(_SCALE, 0).repeat(_SCALE, 1)
    Image.fromarray(enlarged).save(buffer, "PNG", optimize=True, pnginfo=text)
    return buffer.getvalue()
