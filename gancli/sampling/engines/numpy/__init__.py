"""Generators and discriminators run by numpy, so that a first sample need not wait for torch.

Importing torch takes seconds and hundreds of megabytes; for a few samples of a small network that
is nearly all the time there is. The layers here read a model's weights as torch has named them, and
``tests/sampling/test_engines.py`` compares every layer choice with what torch computes.

A seed fixes the bits of its item, alone and in any batch: every matrix product is made item by
item, so that BLAS gets the same shapes whatever comes along (one product of all items would round
an item by its place and by their number: OpenMathLib/OpenBLAS, issue 4947), and what is left works
on each value, or on the values of one item.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gancli.sampling.engines.numpy.parameters import Array
from gancli.sampling.request import Inputs

if TYPE_CHECKING:
    from concurrent.futures import Executor


@dataclass(frozen=True)
class ArrayNetworks:
    """The networks of one model.

    Args:
        generate: Inputs by argument name to items, float32, a row each.
        discriminate: Items and labels, which may be None, to logits, float32, shape (n,).
        mixes_items: Whether a logit depends on the items beside its own.
        chunk: Rows to compute at a time, so that what passes between layers stays in the cache.
    """

    generate: Callable[..., Array]
    discriminate: Callable[[Array, Array | None], Array]
    mixes_items: bool
    chunk: int


class NumpyEngine:
    """Runs networks on the CPU.

    Args:
        networks: What to run.
        workers: Threads that share the rows; their number changes no bit.
    """

    def __init__(self, networks: ArrayNetworks, workers: int = 1) -> None:
        self._networks, self._workers = networks, workers

    def generate(self, inputs: Inputs) -> np.ndarray:
        return self._in_chunks(
            lambda rows: self._networks.generate(**rows), inputs.named(), self._networks.chunk
        )

    def discriminate(
        self, items: np.ndarray, labels: np.ndarray | None, group: int = 1
    ) -> np.ndarray:
        return self._in_chunks(
            lambda rows: self._networks.discriminate(rows["items"], rows.get("labels")),
            Inputs({"items": items}, labels).named(),
            group if self._networks.mixes_items else self._networks.chunk,
        )

    def _in_chunks(
        self, run: Callable[[dict[str, Array]], Array], arrays: Mapping[str, Array], chunk: int
    ) -> Array:
        count = len(next(iter(arrays.values())))
        chunks = [
            {name: array[start : start + chunk] for name, array in arrays.items()}
            for start in range(0, count, chunk)
        ]
        if self._workers == 1 or len(chunks) == 1:
            return np.concatenate([run(rows) for rows in chunks])
        return np.concatenate(list(self._pool.map(run, chunks)))

    @cached_property
    def _pool(self) -> "Executor":
        from concurrent.futures import ThreadPoolExecutor  # not for a few samples

        return ThreadPoolExecutor(self._workers)
