"""Which of several settings is better, and whether chance alone could say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import log, sqrt

import numpy as np

_EXACT = 6  # seeds up to which all resamples are gone through: 6 ** 6 of them
_REPLICATES = 20_000
_LEVEL = 0.95
# Quantiles of the normal distribution and of Student's t, with 1 degree of freedom and so on, that
# belong to the level.
_NORMAL = 1.959964
_STUDENT = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060)


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
    """Return the 95% interval of the mean of values, by resampling them.

    Resamples of a few values vary too little: three seeds would all be on one side of 0 by chance
    in a quarter of cases. So the interval is as much wider as Student's t asks for (Hesterberg
    2015, arXiv 1411.5279, on the narrowness of bootstrap intervals).
    """
    if not values:
        return float("nan"), float("nan")
    array = np.array(values)
    count = len(array)
    if count == 1:
        return float(array[0]), float(array[0])
    if count <= _EXACT:
        resamples = np.array(list(product(range(count), repeat=count)))
        means = array[resamples].mean(1)
    else:
        rng = np.random.default_rng(0)
        means = array[rng.integers(0, count, (_REPLICATES, count))].mean(1)
    tail = (1 - _LEVEL) / 2
    mean, wider = array.mean(), sqrt(count / (count - 1)) * _student(count - 1) / _NORMAL
    low, high = mean + wider * (np.quantile(means, [tail, 1 - tail]) - mean)
    return float(low), float(high)


def _student(freedom: int) -> float:
    """Return the 97.5% quantile of Student's t: from a table for few degrees of freedom.

    Source: Abramowitz and Stegun 1964, 26.7.5.
    """
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    z = _NORMAL
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
