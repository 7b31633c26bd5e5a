"""Whether samples are nearer to the items trained on than new items would be."""

import numpy as np
import torch

NEAR_TRAINING = "near_training"  # what the share is called in a log
MANY = 0.25  # a share that deserves a warning: five times what new items would have

_ROWS = 1024  # items at a time: bounds memory, changes no result
_QUANTILE = 0.05  # of held-out items lie nearer than what counts as near, so no model has less


class Memorization:
    """Distances in feature space to the nearest item trained on.

    A generator that has learned the distribution lies as far from the items trained on as items
    held out do; one that repeats them lies nearer. The comparison is that of Meehan et al. 2020
    (arXiv 2004.05675), read at one quantile.

    Args:
        train: Features of the items trained on, shape (items, dims).
        held_out: Features of others, shape (others, dims).
    """

    def __init__(self, train: np.ndarray, held_out: np.ndarray) -> None:
        self._train = torch.from_numpy(train)
        self._near = float(np.quantile(self.nearest(held_out)[0], _QUANTILE))

    def near(self, features: np.ndarray) -> np.ndarray:
        """Return whether each item is nearer to one trained on than 95% of the held-out ones."""
        near: np.ndarray = self.nearest(features)[0] < self._near
        return near

    def near_share(self, features: np.ndarray) -> float:
        """Return the share of items that :meth:`near` tells."""
        return float(self.near(features).mean())

    def nearest(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the distance of each item from the nearest one trained on, and which one it is."""
        parts = [
            torch.cdist(part, self._train).min(1)
            for part in torch.split(torch.from_numpy(features), _ROWS)
        ]
        distances = torch.cat([part.values for part in parts]).numpy()
        return distances, torch.cat([part.indices for part in parts]).numpy()
