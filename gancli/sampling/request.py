"""What names one item, and the item with what is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gancli.sampling.lazy import Lazy


@dataclass(frozen=True)
class SampleRequest:
    """What names one item; nothing else is needed to make the same bytes again.

    Args:
        seed: Seed of the noise.
        candidate: Which of several tries at the seed's sample; 0 is the seed's own.
        toward: For interpolation, the seed at the other end.
        fraction: How far it is from ``seed`` to ``toward``, 0 to 1.
        class_seed: Seed whose class is drawn, so that an interpolation keeps one class; ``seed``
            if None.
        label: Number of the class, or None for one that a seed draws.
    """

    seed: int
    candidate: int = 0
    toward: int | None = None
    fraction: float = 0.0
    class_seed: int | None = None
    label: int | None = None


class SeedRequests(Lazy[int, SampleRequest]):
    """The requests of seeds."""

    def __init__(self, seeds: Sequence[int]) -> None:
        super().__init__(seeds, SampleRequest)


@dataclass(frozen=True, eq=False)  # eq: two arrays are not equal by one truth value
class Sample:
    """A generated item.

    Args:
        request: What it was made for.
        data: Float32, shaped as the generator makes an item, without the batch.
        label: Number of its class, or None without classes.
        log_odds: The discriminator's calibrated log-odds of its being real, or None where nobody
            asked for them.
    """

    request: SampleRequest
    data: np.ndarray
    label: int | None
    log_odds: float | None


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a generator needs for some items, a row for each.

    Args:
        arrays: By the name of the generator's argument.
        labels: Numbers of the classes, int64, shape (n,), or None without classes.
    """

    arrays: Mapping[str, np.ndarray]
    labels: np.ndarray | None = None

    def named(self) -> dict[str, np.ndarray]:
        """Return all of them by argument name, the labels as ``labels``."""
        return dict(self.arrays) | ({} if self.labels is None else {"labels": self.labels})
