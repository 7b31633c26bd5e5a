"""What the monitors of all modalities do with features: a distance, a spread and a floor."""

from abc import ABC, abstractmethod

import numpy as np
import torch

from gancli.metrics.diversity import spread_ratio
from gancli.metrics.frechet import Gaussian, distance, fit, sampling_floor
from gancli.metrics.projection import Projection

Blocks = list[torch.Tensor]


class FrechetScorer(ABC):
    """Measures items against held-out real ones; smaller is better.

    The score is the Frechet distance in percent of real items' variance, in a feature space that
    the training half scales: 0 for the same distribution, 200 on average for one real item
    repeated, more for noise. Like every Frechet distance it shrinks with the number of items, so
    compare scores at one number only. It is not the FID.

    Args:
        train: Features of the training half, which fix the projection: blocks of shape (n, dims).
        held_out: Features of what items are compared with.
        weights: Of each block.
        samples: Number of items that ``score`` will be given; sizes the floor.
        rng: Divides the held-out half for the floor.

    Attributes:
        floor: Score that as many real items would have.
    """

    def __init__(
        self, train: Blocks, held_out: Blocks, weights: list[float], samples: int,
        rng: np.random.Generator,
    ) -> None:
        self._projection = Projection(train, weights)
        real = self._projection(held_out)
        self._real = fit(real)
        self._last: tuple[torch.Tensor, Gaussian | None] | None = None
        self.floor = 100.0 * sampling_floor(real, samples, rng)

    @abstractmethod
    def features(self, items: torch.Tensor) -> Blocks:
        """Return the features of items, shaped as the generator makes them."""

    def score(self, items: torch.Tensor) -> float:
        """Return the distance of items; inf if any is not finite."""
        found = self._fitted(items)
        return float("inf") if found is None else 100.0 * distance(found, self._real)

    def diversity(self, items: torch.Tensor) -> float:
        """Return the spread of items over that of real ones; 0 if any is not finite."""
        found = self._fitted(items)
        return 0.0 if found is None else spread_ratio(found, self._real)

    def _fitted(self, items: torch.Tensor) -> Gaussian | None:
        """Return the Gaussian of items; asked for both figures of the same ones, it looks once."""
        if self._last is None or self._last[0] is not items:
            sound = len(items) > 0 and bool(torch.isfinite(items).all())
            found = fit(self._projection(self.features(items))) if sound else None
            self._last = items, found
        return self._last[1]


def topped_up(few: Blocks, enough: int, others: Blocks) -> Blocks:
    """Return features of at least ``enough`` items: fewer have no usable covariance."""
    missing = max(enough - len(few[0]), 0)
    return [torch.cat((a, b[:missing])) for a, b in zip(few, others, strict=True)]
