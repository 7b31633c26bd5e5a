"""The mel filters: from the magnitudes of frequencies to those of bands, and back (numpy)."""

import math
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=8)
def mel_filters(rate: int, window: int, bins: int) -> np.ndarray:
    """Return the weight of each frequency in each band, float32, shape (window / 2 + 1, bins).

    Triangles of height 1, evenly spaced on the HTK scale, 2595 log10(1 + f / 700), from 0 to half
    the rate.

    Args:
        rate, window, bins: As in :class:`gancli.modalities.audio.spec.AudioSpec`.
    """
    nyquist = rate // 2
    frequencies = np.linspace(0, nyquist, window // 2 + 1)[:, None]
    mels = np.linspace(0, 2595 * math.log10(1 + nyquist / 700), bins + 2)
    corners = 700 * (10 ** (mels / 2595) - 1)
    widths = np.diff(corners)
    rising = (frequencies - corners[:-2]) / widths[:-1]
    falling = (corners[2:] - frequencies) / widths[1:]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


@lru_cache(maxsize=8)
def inverse_filters(rate: int, window: int, bins: int) -> np.ndarray:
    """Return the pseudo-inverse of the mel filters, float32, shape (bins, window / 2 + 1)."""
    filters = mel_filters(rate, window, bins).astype(np.float64)
    negligible = max(filters.shape) * np.finfo(np.float32).eps  # of the largest singular value
    # By way of the small matrix of the bands' products, whose singular values are the squares.
    products = np.linalg.pinv(filters.T @ filters, negligible**2, hermitian=True)
    inverse: np.ndarray = products @ filters.T
    return inverse.astype(np.float32)
