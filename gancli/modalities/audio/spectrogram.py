"""Spectrograms as a picture."""

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from gancli.modalities.audio.mel import frames_inside
from gancli.modalities.audio.spec import AudioSpec

_RANGE = 2.5  # deviations of a band from black to white
_MARGIN = 2  # pixels around a clip
_SCALE = 2


def spectrograms(items: Sequence[np.ndarray], spec: AudioSpec) -> bytes:
    """Return a PNG of items (frames, depth) in a near-square grid.

    Time goes to the right, low frequencies are at the bottom; each band is shown by its distance
    from the band's mean, black to white. What is after a clip's end is blue. Channels lie one
    above the other.
    """
    height, width = spec.channels * spec.bins + _MARGIN, spec.frames + _MARGIN
    columns = max(1, min(len(items), round(math.sqrt(len(items) * height / width))))
    rows = -(-len(items) // columns)
    canvas = np.full((rows * height + _MARGIN, columns * width + _MARGIN, 3), 96, np.uint8)
    for index, item in enumerate(items):
        top, left = index // columns * height + _MARGIN, index % columns * width + _MARGIN
        grey = np.clip((item[:, :-1] / _RANGE + 1) / 2, 0, 1) * 255
        picture = np.repeat(np.rint(grey.T[::-1, :, None]).astype(np.uint8), 3, 2)
        picture[:, frames_inside(item, spec) :] = (0, 0, 96)
        canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    buffer = io.BytesIO()
    large = canvas.repeat(_SCALE, 0).repeat(_SCALE, 1)
    Image.fromarray(large).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
