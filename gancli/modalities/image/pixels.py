"""Converting the generator's output to pixels."""

import numpy as np


def to_pixels(items: np.ndarray) -> np.ndarray:
    """Return pictures as bytes.

    Values are rounded to the nearest byte, halves to the even one. Those out of range are clipped
    and NaN becomes mid gray, so that the output of a broken model can still be viewed.

    Args:
        items: Float, shape (n, c, h, w), in [-1, 1].

    Returns:
        uint8, shape (n, h, w, c), contiguous.
    """
    finite = np.nan_to_num(items.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    levels = np.rint((np.clip(finite, -1.0, 1.0) + np.float32(1.0)) * np.float32(127.5))
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(0, 2, 3, 1))
