"""Spectrograms as a picture."""

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from gancli.modalities.audio.mel import from_item
from gancli.modalities.audio.spec import AudioSpec

_RANGE_DB = 60.0  # from a clip's loudest band, white, to black
_MARGIN = 2  # pixels around a clip
_SCALE = 2


def spectrograms(items: Sequence[np.ndarray], spec: AudioSpec) -> bytes:
    """Return a PNG of items (frames, depth) in a near-square grid.

    Time goes to the right, low frequencies are at the bottom, loud is white and 60 dB below a
    clip's loudest band black. What is after a clip's end is blue. Channels lie one above the
    other, the first at the top.
    """
    height, width = spec.channels * spec.bins + _MARGIN, spec.frames + _MARGIN
    columns = max(1, min(len(items), round(math.sqrt(len(items) * height / width))))
    rows = -(-len(items) // columns)
    canvas = np.full((rows * height + _MARGIN, columns * width + _MARGIN, 3), 96, np.uint8)
    for index, item in enumerate(items):
        top, left = index // columns * height + _MARGIN, index % columns * width + _MARGIN
        bands = from_item(item, spec)
        loudness = (bands - bands.max()) * 20 / math.log(10)
        grey = np.rint(np.clip(1 + loudness / _RANGE_DB, 0, 1) * 255).astype(np.uint8)
        picture = np.full((spec.channels * spec.bins, len(item), 3), (0, 0, 96), np.uint8)
        picture[:, : grey.shape[2]] = grey[:, ::-1].reshape(-1, grey.shape[2], 1)
        canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    buffer = io.BytesIO()
    large = canvas.repeat(_SCALE, 0).repeat(_SCALE, 1)
    Image.fromarray(large).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
