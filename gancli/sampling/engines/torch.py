"""Generators and discriminators run by torch, so that a seed fixes the bytes of its item.

The kernels of torch round differently for different sizes of a batch: with one item a matrix
product becomes a vector product, oneDNN picks its algorithm by shape, and threads share out the
work by shape. All 64 of 64 items differed in their last bits between a batch of one and any other
size (2 to 64), for every network that was tried. So items are computed in tiles of a fixed
size, and a last one that is not full is filled up. Within a tile neither the place of an item nor
its neighbors matter: no bit differed in random orders, nor alone at the first, middle or last
place, for sides of 20 to 100 pixels, widths of 5 to 64, each up-sampling and normalization, and
1, 2, 3, 7 and 16 threads (torch 2.14, x86-64 with AVX-512).

Tiles of one would need no such evidence but make 1.7 to 3 times fewer pictures a second on one
core; 16 are about as fast as 32 (28 x 28: 1,300, 3,700 and 3,300 a second; 64 x 64: 180, 420 and
360), and texts gain from 32.

Another number of threads may still change the last bits, hence "on the same device".
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch

from gancli.runtime import processors
from gancli.sampling.request import Inputs

TILE = 32  # items computed together; another number is another set of bytes

# What makes the items of some named inputs, or their logits, on the device.
Run = Callable[[Mapping[str, torch.Tensor]], torch.Tensor]


class TorchEngine:
    """Runs networks that are in evaluation mode, on the device.

    Args:
        generator: Makes items of inputs by argument name.
        discriminator: Gives the logits of ``items`` and, with classes, ``labels``.
        device: Where to compute.
        mixes_items: Whether the discriminator compares the items of a batch.
        tile: Items computed together; another number is another set of bytes. With None the rows
            are computed as they come, and a seed's bytes depend on what comes with it.
    """

    def __init__(
        self, generator: Run, discriminator: Run, device: torch.device, *, mixes_items: bool,
        tile: int | None,
    ) -> None:
        self._generator, self._discriminator = generator, discriminator
        self._device, self._mixes_items, self._tile = device, mixes_items, tile

    def generate(self, inputs: Inputs) -> np.ndarray:
        return self._in_tiles(self._generator, inputs.named(), self._tile)

    def discriminate(
        self, items: np.ndarray, labels: np.ndarray | None, group: int = 1
    ) -> np.ndarray:
        tile = group if self._mixes_items and self._tile is not None else self._tile
        return self._in_tiles(
            self._discriminator, Inputs({"items": items}, labels).named(), tile
        )

    def _in_tiles(
        self, run: Run, arrays: Mapping[str, np.ndarray], tile: int | None
    ) -> np.ndarray:
        if tile is None:
            return self._compute(run, arrays)
        count, results = len(next(iter(arrays.values()))), []
        for start in range(0, count, tile):
            rows = {
                name: _filled(array[start : start + tile], tile)
                for name, array in arrays.items()
            }
            results.append(self._compute(run, rows)[: count - start])
        return np.concatenate(results)

    @torch.no_grad()
    def _compute(self, run: Run, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        tensors = {
            name: torch.from_numpy(array).to(self._device) for name, array in arrays.items()
        }
        result: np.ndarray = run(tensors).float().cpu().numpy()
        return result


def _filled(rows: np.ndarray, count: int) -> np.ndarray:
    """Return the rows and as many copies of the last one as fill a tile.

    It lies in memory of torch, whose alignment MKL needs to round alike from run to run.
    """
    dtype = torch.from_numpy(rows).dtype
    tile: np.ndarray = torch.empty((count, *rows.shape[1:]), dtype=dtype).numpy()
    tile[: len(rows)] = rows
    tile[len(rows) :] = rows[-1]
    return tile


@contextmanager
def repeatable() -> Iterator[None]:
    """Compute with repeatable algorithms, full fp32, and at most a thread for each core."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(before, processors.physical_cores()))
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield
    finally:
        torch.set_num_threads(before)
