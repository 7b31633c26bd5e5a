"""Where a curve of noisy scores is heading: its trend, and what twice the training would bring."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Trend = Literal["improving", "flat", "worse"]

MIN_POINTS = 5  # measurements; fewer often fall or rise by chance
_WINDOW = 6  # measurements that are looked at, if the last half is fewer
_CERTAIN = 2.2  # standard deviations: noise alone goes beyond in 3% of cases
_WORTH = 0.03  # change a doubling, as a logarithm, that deserves a word
_TINY = 1e-30  # instead of 0, where nothing varies
_SMALLEST = 1e-3  # of the largest score: what is smaller counts as that
# Measured on runs with one and with two units of budget (RESULTS.md), as logarithms of distances
# from the floor: what the second unit brought, how much that differs between data and networks,
# and how far apart the ends of runs of the same slope are. A curve's own slope, alone, erred more.
_GAIN, _GAIN_SPREAD, _RUN_SPREAD = -0.3, 0.15, 0.4
_NOISE = 0.1  # of a measurement's logarithm, at least
_FOUR_OF_FIVE = 1.28  # standard deviations
_NEAREST = 0.05  # of the floor: what is nearer to it, or below, counts as so near


@dataclass(frozen=True)
class Forecast:
    """What a score would be.

    Args:
        score: The likeliest value.
        low, high: Where it is in four cases of five.
    """

    score: float
    low: float
    high: float


@dataclass(frozen=True)
class _Line:
    """A straight line through a curve's last half: logarithms of scores over doublings of steps.

    Args:
        slope: Change of the logarithm a doubling.
        spread: Sum of the squared distances of the doublings from their mean.
        noise: Variance of a measurement.
        count: Measurements.
    """

    slope: float
    spread: float
    noise: float
    count: int

    @classmethod
    def through(cls, steps: Sequence[float], scores: Sequence[float]) -> "_Line":
        count = min(len(scores), max(_WINDOW, math.ceil(len(scores) / 2)))
        last = np.asarray(scores[-count:], float)
        x = np.log2(np.asarray(steps[-count:], float))
        y = np.log(np.maximum(last, max(_SMALLEST * last.max(), _TINY)))
        x, y = x - x.mean(), y - y.mean()
        spread = max(float(x @ x), _TINY)
        slope = float(x @ y) / spread
        residues = y - slope * x
        return cls(slope, spread, float(residues @ residues) / (count - 2), count)


def trend(steps: Sequence[float], scores: Sequence[float]) -> Trend | None:
    """Return how scores change: by a power law through the last half of them, but at least six.

    It is flat unless the power differs from 0 by more than the scatter about the law explains
    (Student's t, made normal as Wallace 1959, doi 10.1214/aoms/1177706096, does).

    Args:
        steps: When they were measured: positive, rising.
        scores: Finite; smaller is better.

    Returns:
        The trend, or None if there are fewer than ``MIN_POINTS``.
    """
    if len(scores) < MIN_POINTS:
        return None
    line = _Line.through(steps, scores)
    free = line.count - 2
    scatter = max(line.noise, _TINY)
    certainty = (8 * free + 1) / (8 * free + 3) * math.sqrt(
        free * math.log1p(line.slope**2 * line.spread / scatter / free)
    )
    if certainty < _CERTAIN or abs(line.slope) < _WORTH:
        return "flat"
    return "improving" if line.slope < 0 else "worse"


def forecast(
    steps: Sequence[float], scores: Sequence[float], floor: float
) -> Forecast | None:
    """Return the best score that a run of twice the training would have.

    The distance from the floor shrinks by what the last half of the curve shrank a doubling. A few
    noisy measurements say little of that, and learning rates, which fall as a budget ends, bend
    it: so it is a mean with what other runs gained, each weighted by how well it is known.

    Args:
        steps, scores: As for :func:`trend`.
        floor: The score of real items; 0 if it is not known.

    Returns:
        The forecast, or None if there are fewer measurements than ``MIN_POINTS``.
    """
    if len(scores) < MIN_POINTS:
        return None
    nearest = _NEAREST * floor
    distances = [max(score - floor, nearest) for score in scores]
    line = _Line.through(steps, distances)
    told, known = line.spread / max(line.noise, _NOISE**2), 1 / _GAIN_SPREAD**2
    gain = (line.slope * told + _GAIN * known) / (told + known)
    width = _FOUR_OF_FIVE * math.sqrt(1 / (told + known) + _RUN_SPREAD**2)
    score, low, high = (
        floor + min(distances) * math.exp(min(gain, 0.0) + side * width) for side in (0, -1, 1)
    )
    return Forecast(score, low, high)
