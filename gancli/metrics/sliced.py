"""The sliced Wasserstein distance: a cross-check that assumes no Gaussian and uses no neighbors.

Source: Rabin et al. 2011, "Wasserstein barycenter and its application to texture mixing".
"""

import numpy as np

_DIRECTIONS = 128
_QUANTILES = 512  # at which the sorted projections of sets of unlike sizes are compared


def directions(dims: int, rng: np.random.Generator) -> np.ndarray:
    """Return random unit vectors, shape (dims, directions)."""
    vectors = rng.standard_normal((dims, _DIRECTIONS))
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=0)
    return unit


def quantiles(features: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return quantiles of features (n, dims) along each direction, shape (512, directions)."""
    ordered = np.sort(features @ along, axis=0)
    places = (np.arange(_QUANTILES) + 0.5) / _QUANTILES * len(ordered) - 0.5
    low = np.clip(np.floor(places).astype(int), 0, len(ordered) - 1)
    high = np.minimum(low + 1, len(ordered) - 1)
    part = np.clip(places - low, 0.0, 1.0)[:, None]
    between: np.ndarray = ordered[low] * (1 - part) + ordered[high] * part
    return between


def sliced_wasserstein(a: np.ndarray, b: np.ndarray) -> float:
    """Return the root mean square 2-Wasserstein distance over directions, given quantiles."""
    return float(np.sqrt(np.square(a - b).mean()))
