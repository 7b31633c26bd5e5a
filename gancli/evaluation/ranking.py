"""Which of several settings is better, and whether chance alone could say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import log

import numpy as np

_EXACT = 6  # seeds up to which all resamples are gone through: 6 ** 6 of them
_REPLICATES = 20_000
_LEVEL = 0.95


@dataclass(frozen=True)
class Rank:
    """A cell's place.

    Args:
        name: Of the cell.
        median, low, high: Of its scores.
        ratio: Its scores over those of the best cell, seed by seed, as a geometric mean.
        ratio_low, ratio_high: The 95% interval of that ratio.
        within_chance: Whether the interval holds 1: the best cell may be the best by chance.
        seeds: How many scores it has.
        pairs: How many of them are of seeds that the best cell has, too.
        best: Whether it is the best.
    """

    name: str
    median: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    within_chance: bool
    seeds: int
    pairs: int
    best: bool

    @property
    def verdict(self) -> str:
        """The place in a word or two."""
        if self.best:
            return "best"
        if self.pairs < 2:
            return "within chance: one seed" if self.pairs else "no seed in common"
        return "within chance" if self.within_chance else "worse"

    @property
    def told_ratio(self) -> str:
        """The ratio to the best with its interval; empty for the best, or if there is none."""
        if self.best or not self.pairs:
            return ""
        return f"{self.ratio:.2f} ({self.ratio_low:.2f} to {self.ratio_high:.2f})"


def rank(scores: Mapping[str, Mapping[int, float]]) -> list[Rank]:
    """Return the cells, best first; smaller scores are better.

    Cells are compared with the best one by the ratios of their scores for the same seed, whose
    mean is resampled over the seeds (the paired bootstrap).

    Args:
        scores: For each cell the score of each seed; cells without any are left out.
    """
    named = {name: of for name, of in scores.items() if of}
    order = sorted(named, key=lambda name: float(np.median(list(named[name].values()))))
    if not order:
        return []
    best = named[order[0]]
    ranks = []
    for name in order:
        own = named[name]
        shared = sorted(own.keys() & best.keys())
        logs = [log(max(own[seed], 1e-9) / max(best[seed], 1e-9)) for seed in shared]
        low, high = _interval(logs)
        values = list(own.values())
        ranks.append(Rank(
            name, float(np.median(values)), min(values), max(values),
            float(np.exp(np.mean(logs))) if logs else float("nan"),
            float(np.exp(low)), float(np.exp(high)),
            # One seed shows nothing about chance.
            len(logs) < 2 or low <= 0.0 <= high, len(values), len(logs), name == order[0],
        ))
    return ranks


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95% interval of the mean of values, by resampling them."""
    if not values:
        return float("nan"), float("nan")
    array = np.array(values)
    if len(array) <= _EXACT:
        resamples = np.array(list(product(range(len(array)), repeat=len(array))))
        means = array[resamples].mean(1)
    else:
        rng = np.random.default_rng(0)
        means = array[rng.integers(0, len(array), (_REPLICATES, len(array)))].mean(1)
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)

