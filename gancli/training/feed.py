"""Real items on the device: kept there where they fit, and else copied while it computes."""

import numpy as np
import torch

from gancli.data.dataset import Dataset
from gancli.phases.base import Batch

_FRACTION = 4  # of the device's free memory that data may take: one part in so many
_CHUNK = 64 << 20  # bytes that are copied at a time; the arrays may be larger than memory


def room(device: torch.device) -> int:
    """Return how many bytes of data may stay on a device; none on the CPU, which has them."""
    return torch.cuda.mem_get_info(device)[0] // _FRACTION if device.type == "cuda" else 0


class Feed:
    """Gives the items of a data set as tensors on a device, the same ones anywhere.

    Args:
        dataset: Holds them.
        device: Where they are to be.
    """

    def __init__(self, dataset: Dataset, device: torch.device) -> None:
        self.dataset, self._device = dataset, device
        arrays = dict(dataset.arrays)
        if dataset.labels is not None:
            arrays["labels"] = dataset.labels.astype(np.int64)
        # A data set that makes its items, as that of text, has to be asked for each.
        as_stored = type(dataset).take is Dataset.take
        size = sum(array.nbytes for array in arrays.values())
        self._kept = (
            {name: self._keep(array) for name, array in arrays.items()}
            if as_stored and size <= room(device) else None
        )

    def take(self, indices: np.ndarray) -> Batch:
        """Return the items at some indices."""
        if self._kept is None:
            items = self.dataset.take(indices)
            arrays = {name: self._copy(array) for name, array in items.arrays.items()}
            return Batch(arrays, None if items.labels is None else self._copy(items.labels))
        places = self._copy(indices)
        kept = {name: tensor[places] for name, tensor in self._kept.items()}
        labels = kept.pop("labels", None)
        return Batch(kept, labels)

    def _copy(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if self._device.type != "cuda":
            return tensor.to(self._device)
        return tensor.pin_memory().to(self._device, non_blocking=True)

    def _keep(self, array: np.ndarray) -> torch.Tensor:
        dtype = torch.from_numpy(np.empty(0, array.dtype)).dtype
        kept = torch.empty(array.shape, dtype=dtype, device=self._device)
        rows = max(1, _CHUNK // max(1, array[:1].nbytes))
        for start in range(0, len(array), rows):
            kept[start : start + rows] = torch.from_numpy(np.array(array[start : start + rows]))
        return kept
