"""Draw spectrograms."""

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from gancli.modalities.audio.frames import from_item
from gancli.modalities.audio.spec import AudioSpec

_RANGE_DB = 60.0  # from the loudest band of a clip, white, down to black
_MARGIN = 2  # pixels around a clip
_SCALE = 2  # screen pixels for each band and frame, in both directions


def spectrograms(items: Sequence[np.ndarray], spec: AudioSpec, frames: int) -> bytes:
    """Return a PNG of the log-mel of items (frames, depth) in a near-square grid.

    Time goes to the right and frequency upward. The loudest band of a clip is white, and 60 dB
    below it is black; blue is what follows the end of a clip. Channels are stacked, the first at
    the top.
    """
    height, width = spec.channels * spec.bins + _MARGIN, frames + _MARGIN
    columns = max(1, min(len(items), round(math.sqrt(len(items) * height / width))))
    rows = -(-len(items) // columns)
    canvas = np.full((rows * height + _MARGIN, columns * width + _MARGIN, 3), 96, np.uint8)
    for index, item in enumerate(items):
        top, left = index // columns * height + _MARGIN, index % columns * width + _MARGIN
        bands = from_item(item, spec)
        decibels = (bands - bands.max()) * 20 / math.log(10)
        grey = np.rint(np.clip(1 + decibels / _RANGE_DB, 0, 1) * 255).astype(np.uint8)
        tile = np.full((spec.channels * spec.bins, len(item), 3), (0, 0, 96), np.uint8)
        tile[:, : grey.shape[2]] = grey[:, ::-1].reshape(-1, grey.shape[2], 1)
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    buffer = io.BytesIO()
    enlarged = canvas.repeat(_SCALE, 0).repeat(_SCALE, 1)
    Image.fromarray(enlarged).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
