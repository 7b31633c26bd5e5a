"""What kinds of items there are, found without labels, and how much an item is of each."""

import torch
from torch.nn.functional import one_hot

_CLUSTERS = 12
_SEED = 20191  # fixed, so that scores of different runs are comparable
_COMPACT = 64  # random directions: distances hardly change, and take little time
_ROUNDS = 25
_RIDGE = 3.0  # times a feature's variance, since some features are seldom active


class Clusters:
    """Clusters of items by k-means, told apart by ridge regression on their features.

    Directions that tell clusters apart say what an item shows, where principal components mostly
    say how it looks: distances along them follow those of a trained classifier.

    Args:
        features: Of real items, shape (n, dims).
    """

    def __init__(self, features: torch.Tensor) -> None:
        rng = torch.Generator().manual_seed(_SEED)  # the global one belongs to training
        self._mean = features.mean(0)
        self._scale = features.std(0, correction=0).clamp_min(1e-3)
        x = self._standardized(features)
        compact = x @ torch.randn(x.shape[1], _COMPACT, generator=rng)
        clusters = one_hot(_k_means(compact, rng), _CLUSTERS).float()
        covariance = x.T @ x / len(x)
        covariance.diagonal().add_(_RIDGE)
        self._weight = torch.linalg.solve(
            covariance, x.T @ (clusters - clusters.mean(0)) / len(x)
        )

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """Return how much items are of each cluster, shape (n, clusters)."""
        scores: torch.Tensor = self._standardized(features) @ self._weight
        return scores

    def _standardized(self, features: torch.Tensor) -> torch.Tensor:
        return (features - self._mean) / self._scale


def _k_means(items: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the cluster of each item, shape (n,), by Lloyd's algorithm."""
    centers = items[torch.randperm(len(items), generator=rng)[:_CLUSTERS]]
    for _ in range(_ROUNDS):
        nearest = torch.cdist(items, centers).argmin(1)
        sums = torch.zeros_like(centers).index_add_(0, nearest, items)
        counts = torch.bincount(nearest, minlength=len(centers))[:, None]
        # A center without items stays where it is.
        centers = torch.where(counts > 0, sums / counts.clamp_min(1), centers)
    return torch.cdist(items, centers).argmin(1)
