"""The items of a batch that one process computes, their random numbers, and means over all."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from gancli.runtime.ranks import ALONE, Ranks


@dataclass(frozen=True)
class Shard:
    """Which items of a batch this process computes: those at rank, rank + world, and so on.

    All random numbers of the batch are drawn, and those of other items dropped: an item's numbers
    do not depend on how many processes there are. Alone, a process computes every item.

    Args:
        whole: Items in the batch.
        rng: Source of its random numbers.
        ranks: The processes that share the batch.
        parts: Batches of so many items that stand one after another, such as real and generated.
    """

    whole: int
    rng: torch.Generator
    ranks: Ranks = ALONE
    parts: int = 1

    @property
    def rows(self) -> slice:
        """Where this process's items are in a batch of one part."""
        return slice(self.ranks.rank, None, self.ranks.world)

    @property
    def count(self) -> int:
        """Items that this process computes, of all parts."""
        return self.parts * len(range(self.whole)[self.rows])

    def times(self, parts: int) -> "Shard":
        """Return the shard of so many such batches, one after another."""
        return replace(self, parts=parts)

    def first(self, whole: int) -> "Shard":
        """Return the shard of the batch's first items, which are the first of this process too."""
        return replace(self, whole=whole)

    def halves(self) -> tuple[slice, slice]:
        """Return where among this process's items those at even places of the batch are, and odd.

        The batch has one part.
        """
        rank, world = self.ranks.rank, self.ranks.world
        if world % 2:  # places alternate
            return slice(rank % 2, None, 2), slice(1 - rank % 2, None, 2)
        all_, none = slice(0, None), slice(0, 0)
        return (none, all_) if rank % 2 else (all_, none)

    def uniform(
        self, *shape: int, copies: int | None = None, dtype: torch.dtype | None = None
    ) -> torch.Tensor:
        """Return numbers in [0, 1) for each item, shape (count, *shape).

        Args:
            shape: Of an item's numbers.
            copies: With it the shape is (copies, count, *shape).
            dtype: Of the numbers, by default torch's.
        """
        return self._drawn(
            lambda size: torch.rand(size, generator=self.rng, device=self.rng.device, dtype=dtype),
            shape, copies,
        )

    def normal(self, *shape: int) -> torch.Tensor:
        """Return numbers of a standard normal distribution, shape (count, *shape)."""
        return self._drawn(
            lambda size: torch.randn(size, generator=self.rng, device=self.rng.device), shape
        )

    def integers(
        self, low: int, high: int, *shape: int, copies: int | None = None
    ) -> torch.Tensor:
        """Return integers from ``low`` to below ``high``, shaped as those of :meth:`uniform`."""
        return self._drawn(
            lambda size: torch.randint(
                low, high, size, generator=self.rng, device=self.rng.device
            ),
            shape, copies,
        )

    def _drawn(
        self, draw: Callable[[tuple[int, ...]], torch.Tensor], shape: tuple[int, ...],
        copies: int | None = None,
    ) -> torch.Tensor:
        before = () if copies is None else (copies,)
        numbers = draw((*before, self.parts * self.whole, *shape))
        if self.ranks.world == 1:
            return numbers
        axis = len(before)
        parts = numbers.view(*before, self.parts, self.whole, *shape)
        index = (slice(None),) * (axis + 1) + (self.rows,)
        return parts[index].flatten(axis, axis + 1)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Return this process's share of a mean over the whole batch: all shares add up to it.

        Args:
            values: Of this process's items, shape (count, ...).
        """
        return values.sum() / (self.parts * self.whole * math.prod(values.shape[1:]))
