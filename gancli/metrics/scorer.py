"""The score of all modalities: a distance, a spread and a floor, from features."""

from abc import ABC, abstractmethod

import numpy as np
import torch

from gancli.metrics.diversity import spread_ratio
from gancli.metrics.frechet import Gaussian, distance, fit, sampling_floor
from gancli.metrics.projection import Projection

Blocks = list[torch.Tensor]


class FrechetScorer(ABC):
    """Measures items against held-out real ones; smaller is better.

    The score is the Frechet distance in percent of the real items' variance, in a feature space
    scaled by the training half: 0 for the same distribution, 200 on average for one real item
    repeated, more for noise. Like every Frechet distance it shrinks with the number of items, so
    compare only scores of equally many items. It is not the FID.

    Args:
        train: Features of the training half, which fix the projection: blocks of shape (n, dims).
        held_out: Features of the items to compare with.
        weights: Weight of each block.
        samples: Number of items that ``score`` will be given; sizes the floor.
        rng: Divides the held-out half for the floor.

    Attributes:
        floor: Score that ``samples`` real items would have.
    """

    def __init__(
        self, train: Blocks, held_out: Blocks, weights: list[float], samples: int,
        rng: np.random.Generator,
    ) -> None:
        self._projection = Projection(train, weights)
        real = self._projection(held_out)
        self._real = fit(real)
        self._last: tuple[torch.Tensor, np.ndarray, Gaussian] | None = None
        self.floor = 100.0 * sampling_floor(real, samples, rng)

    @abstractmethod
    def features(self, items: torch.Tensor) -> Blocks:
        """Return the features of items shaped as the generator's."""

    def score(self, items: torch.Tensor) -> float:
        """Return the distance of items; inf if any value is not finite."""
        if not _finite(items):
            return float("inf")
        return 100.0 * distance(self._measured(items)[1], self._real)

    def diversity(self, items: torch.Tensor) -> float:
        """Return the spread of items over that of real ones; 0 if any value is not finite."""
        if not _finite(items):
            return 0.0
        return spread_ratio(self._measured(items)[1], self._real)

    def projected(self, items: torch.Tensor) -> np.ndarray:
        """Return finite items in the space where they are compared, shape (items, rank)."""
        return self._measured(items)[0]

    def _measured(self, items: torch.Tensor) -> tuple[np.ndarray, Gaussian]:
        """Return the features of items and their Gaussian, computed once for all figures."""
        if self._last is None or self._last[0] is not items:
            features = self._projection(self.features(items))
            self._last = items, features, fit(features)
        return self._last[1:]


def _finite(items: torch.Tensor) -> bool:
    return len(items) > 0 and bool(torch.isfinite(items).all())


def topped_up(blocks: Blocks, count: int, others: Blocks) -> Blocks:
    """Return ``blocks`` filled up with ``others`` to ``count`` items; fewer have no covariance."""
    missing = max(count - len(blocks[0]), 0)
    pairs = zip(blocks, others, strict=True)
    return [torch.cat((block, other[:missing])) for block, other in pairs]
