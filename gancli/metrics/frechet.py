"""Frechet distance between Gaussians fitted to two sets of features (Dowson and Landau 1982).

On the features of an Inception network this is the FID of Heusel et al. 2017; on any other
features it must not be called that.
"""

from dataclasses import dataclass

import numpy as np

_SPLITS = 4  # random pairs of halves that the floor averages over


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian fitted to features.

    Args:
        mean: Shape (dims,).
        covariance: Shape (dims, dims), symmetric and positive semi-definite.
    """

    mean: np.ndarray
    covariance: np.ndarray


def fit(features: np.ndarray) -> Gaussian:
    """Return the Gaussian of features of shape (items, dims); one item has no covariance."""
    x = np.asarray(features, dtype=np.float64)
    mean = x.mean(axis=0)
    centered = x - mean
    return Gaussian(mean, centered.T @ centered / max(len(x) - 1, 1))


def distance(a: Gaussian, b: Gaussian) -> float:
    """Return the squared Frechet (2-Wasserstein) distance, at least 0, in squared feature units."""
    # tr (A B)^(1/2) is the sum of the singular values of A^(1/2) B^(1/2): unlike a matrix square
    # root of A B this needs no inverse and no complex numbers when A or B is singular, as they
    # are with fewer items than dimensions.
    cross = np.linalg.svd(_root(a.covariance) @ _root(b.covariance), compute_uv=False).sum()
    mean = np.square(a.mean - b.mean).sum()
    return max(float(mean + np.trace(a.covariance) + np.trace(b.covariance) - 2 * cross), 0.0)


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the distance between the Gaussians of features (items, dims) and (others, dims)."""
    return distance(fit(a), fit(b))


def sampling_floor(real: np.ndarray, samples: int, rng: np.random.Generator) -> float:
    """Return the distance that ``samples`` items of the same distribution would have.

    Args:
        real: Features, shape (items, dims), that they would be compared with.
        samples: Number of such items.
        rng: Divides ``real`` into halves, several times.
    """
    if len(real) < 2:
        return 0.0
    half = len(real) // 2
    distances = []
    for _ in range(_SPLITS):
        order = rng.permutation(len(real))
        distances.append(frechet_distance(real[order[:half]], real[order[half:]]))
    # Between samples of one distribution the distance is pure sampling error, to leading order
    # proportional to 1/n + 1/m. Halves would overstate that of `samples` items against all.
    scale = (1 / samples + 1 / len(real)) / (1 / half + 1 / (len(real) - half))
    return float(np.mean(distances)) * scale


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    root: np.ndarray = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root
