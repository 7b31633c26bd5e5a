"""What a modality's loader returns and the training loop draws batches from."""

from dataclasses import dataclass

import numpy as np

from gancli.data.indices import Indices
from gancli.data.split import order


@dataclass(frozen=True)
class Items:
    """Some items of a dataset.

    Args:
        arrays: Named arrays, shape (items, ...), as the dataset holds or makes them.
        labels: Class of each item, int64, shape (items,), or None without classes.
    """

    arrays: dict[str, np.ndarray]
    labels: np.ndarray | None


@dataclass(frozen=True)
class Dataset:
    """Decoded items, their labels and the split.

    Args:
        arrays: Named arrays whose first axis counts the items; for images ``pixels``, uint8,
            shape (items, height, width, channels). They may be memory-mapped.
        labels: Class of each item, of any integer type, shape (items,), or None without classes.
        train: Indices of the items to train on, int64, ascending.
        held_out: Indices of the items held out for measuring, int64, ascending; the same as
            ``train`` if none can be spared.
        fingerprint: A hash of what was read; a resumed run checks it.
    """

    arrays: dict[str, np.ndarray]
    labels: np.ndarray | None
    train: Indices
    held_out: Indices
    fingerprint: str

    @property
    def guarded(self) -> bool:
        """Whether the items held out are not trained on."""
        return bool(self.train[:1] != self.held_out[:1])

    @property
    def unseen(self) -> int:
        """How many items are held out and not trained on."""
        return len(self.held_out) if self.guarded else 0

    def batch(self, seed: int, step: int, count: int) -> np.ndarray:
        """Return the items of a step: a function of the arguments alone, see split.order.

        Args:
            seed: Seed of the run.
            step: Number of the step, from 0.
            count: Items per step.

        Returns:
            Indices to :meth:`take`, int64, shape (count,).
        """
        indices: np.ndarray = self.train[order(len(self.train), seed, step, count)]
        return indices

    def held_out_batch(self, seed: int, step: int, count: int) -> np.ndarray:
        """Return held-out items of a step, as :meth:`batch` does those to train on."""
        indices: np.ndarray = self.held_out[order(len(self.held_out), seed, step, count)]
        return indices

    def drawable(self, indices: Indices) -> np.ndarray:
        """Return those of the indices whose items a generator could have made."""
        return indices[:]

    def item_values(self) -> int:
        """Return the numbers that an item consists of."""
        return sum(array.size for array in self.take(self.train[:1]).arrays.values())

    def take(self, indices: np.ndarray) -> Items:
        """Return the items at the indices, copied."""
        arrays = {name: np.asarray(array[indices]) for name, array in self.arrays.items()}
        return Items(arrays, self.labels_of(indices))

    def labels_of(self, indices: np.ndarray) -> np.ndarray | None:
        """Return the classes of the items at the indices, int64, or None without classes."""
        return None if self.labels is None else self.labels[indices].astype(np.int64)
