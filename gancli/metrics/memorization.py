"""Whether samples are nearer to the items trained on than new items would be."""

import numpy as np
import torch

NEAR_TRAINING = "near_training"  # what the share is called in a log
MANY = 0.25  # a share that deserves a warning: five times what new items would have

_ROWS = 256  # items at a time: bounds memory, changes no result
_COMPARED = 5_000  # items whose distance from others is looked at, at most
_QUANTILE = 0.05  # of held-out items lie nearer than what counts as near, so no model has less


class Memorization:
    """Distances in feature space to the nearest item trained on.

    A generator that has learned the distribution lies as far from the items trained on as items
    held out do; one that repeats them lies nearer. The comparison is that of Meehan et al. 2020
    (arXiv 2004.05675), read at one quantile.

    Args:
        train: Features of the items trained on, shape (items, dims).
        held_out: Features of others, shape (others, dims). None if there are none, or if it is
            not known which these are: then an item counts as near if it is nearer than items
            trained on mostly are to one another.

    Attributes:
        floor: The share of real items that count as near, 0.05 but for ties.
        about: What :meth:`near_share` says.
    """

    def __init__(self, train: np.ndarray, held_out: np.ndarray | None) -> None:
        self._train = torch.from_numpy(train)
        nearer = "a training item than 95% of held-out ones"
        if held_out is None:
            nearer = "a real item than 95% of these are to one another"
        real = self._apart() if held_out is None else self.nearest(held_out)[0]
        self._near = float(np.quantile(real, _QUANTILE))
        self.floor = float((real < self._near).mean())
        self.about = f"share nearer to {nearer}; .05 is right"

    def near(self, features: np.ndarray) -> np.ndarray:
        """Return whether each item is nearer to one trained on than 95% of real ones are."""
        near: np.ndarray = self.nearest(features)[0] < self._near
        return near

    def near_share(self, features: np.ndarray) -> float:
        """Return the share of items that :meth:`near` tells."""
        return float(self.near(features).mean())

    def nearest(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the distance of each item from the nearest one trained on, and which one it is."""
        items = torch.from_numpy(features)
        places = torch.cat([
            torch.cdist(part, self._train).argmin(1) for part in torch.split(items, _ROWS)
        ])
        # Those of cdist come from products, by which equal items are a little apart.
        distances = (items - self._train[places]).norm(dim=1)
        return distances.numpy(), places.numpy()

    def _apart(self) -> np.ndarray:
        """Return how far some of the items trained on are from the nearest that differs."""
        different = torch.unique(self._train, dim=0)
        if len(different) < 2:
            return np.zeros(1)
        some = different[:: -(-len(different) // _COMPARED)]
        return torch.cat([
            torch.cdist(part, different).topk(2, largest=False).values[:, 1]
            for part in torch.split(some, _ROWS)
        ]).numpy()
