"""Measuring a generator by its samples."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from gancli.modalities.base import Scorer
from gancli.sampling.request import Sample


@dataclass(frozen=True)
class Measurement:
    """Figures of a generator.

    Args:
        score: Distance from held-out data; smaller is better.
        diversity: Spread over that of real items; 1 is alike.
        loss: The generator's own loss on held-out items, or None where it has none.
        notes: Further figures.
    """

    score: float
    diversity: float
    loss: float | None = None
    notes: dict[str, float] = field(default_factory=dict)


def stack(samples: Sequence[Sample]) -> torch.Tensor:
    """Return the items of samples as one tensor, laid out in memory as they are."""
    return torch.from_numpy(np.stack([sample.data for sample in samples]))


def measure(samples: Sequence[Sample], scorer: Scorer, loss: float | None) -> Measurement:
    """Return the figures of samples and of the loss of what made them."""
    items = stack(samples)
    return Measurement(scorer.score(items), scorer.diversity(items), loss, scorer.notes(items))
