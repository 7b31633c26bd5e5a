"""Whether mirror images of a set's pictures could be pictures of that set.

If so, showing half of the pictures mirrored doubles the set for nothing.
"""

import numpy as np
import torch

from gancli.data.dataset import Dataset
from gancli.metrics.frechet import frechet_distance
from gancli.metrics.projection import Projection
from gancli.metrics.random_features import RandomFeatures, visible

_COMPARED = 1_000  # pictures at most
_FEWEST = 100  # in a smaller set, letters are told from their mirror images too seldom
_FEWEST_OF_CLASS = 16
_SPLITS = 4
_LIMIT = 1.1  # sets that may be mirrored have .94 to 1.06, others 1.35 and more: see RESULTS.md


def may_be_mirrored(dataset: Dataset, seed: int) -> bool:
    """Return whether mirror images differ from pictures by no more than pictures do.

    Half of the pictures are compared with the others, as they are and mirrored; where there are
    classes also within each, since left and right may be what tells them apart.

    Args:
        dataset: Of which the training part is looked at.
        seed: Of the pictures that are looked at, and of the halves.
    """
    count = len(dataset.train)
    if count < _FEWEST:
        return False
    rng = np.random.default_rng(seed)
    some = dataset.train[np.sort(rng.choice(count, min(count, _COMPARED), replace=False))]
    pixels = torch.from_numpy(np.asarray(dataset.arrays["pixels"][some]))
    pictures = visible(pixels.permute(0, 3, 1, 2))
    features = RandomFeatures(pictures.shape[1])
    blocks, of_mirrored = features(pictures), features(pictures.flip(3))
    pairs = zip(blocks, of_mirrored, strict=True)
    # Fitted to both, so that neither kind has the larger variance by the choice of axes.
    projection = Projection([torch.cat(pair) for pair in pairs], features.weights(len(blocks)))
    plain, mirrored = projection(blocks), projection(of_mirrored)
    groups = [[np.arange(len(some))]]
    if (labels := dataset.labels_of(some)) is not None:
        of_classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        groups.append([rows for rows in of_classes if len(rows) >= _FEWEST_OF_CLASS])
    return all(_times_farther(plain, mirrored, rows, rng) < _LIMIT for rows in groups if rows)


def _times_farther(
    plain: np.ndarray, mirrored: np.ndarray, groups: list[np.ndarray], rng: np.random.Generator
) -> float:
    """Return the distance of mirror images from pictures over that of pictures from pictures.

    Args:
        plain, mirrored: Features of the pictures and of their mirror images, shape (n, dims).
        groups: Places of the pictures that are compared with each other.
        rng: Divides each group into halves, several times.
    """
    distances = np.zeros(2)
    for _ in range(_SPLITS):
        for rows in groups:
            half, others = np.array_split(rng.permutation(rows), 2)
            distances += [
                frechet_distance(kind[half], plain[others]) for kind in (mirrored, plain)
            ]
    return float(distances[0] / max(distances[1], 1e-12))
