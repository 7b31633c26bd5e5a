"""From the generator's numbers to pixels."""

import numpy as np


def to_pixels(items: np.ndarray) -> np.ndarray:
    """Return pictures as bytes.

    Values round to the nearest byte, halves to the even one. What is beyond the range is cut, and
    NaN becomes mid grey, so that a picture of a broken model can still be looked at.

    Args:
        items: Float, shape (n, c, h, w), in [-1, 1].

    Returns:
        uint8, shape (n, h, w, c), contiguous.
    """
    known = np.nan_to_num(items.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    levels = np.rint((np.clip(known, -1.0, 1.0) + np.float32(1.0)) * np.float32(127.5))
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(0, 2, 3, 1))
