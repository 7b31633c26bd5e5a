"""The figures that any features of items allow, each with its floor and its interval."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from gancli.metrics.bootstrap import interval, mean_interval, normal_interval
from gancli.metrics.figure import Figure
from gancli.metrics.frechet import frechet_distance
from gancli.metrics.kernel import kernel_distance
from gancli.metrics.manifold import manifold
from gancli.metrics.memorization import NEAR_TRAINING, Memorization
from gancli.metrics.sliced import directions, quantiles, sliced_wasserstein
from gancli.metrics.two_sample import auc, told_apart

NEIGHBORS = 5  # of precision, recall, density and coverage
_SMALL = 256  # features; the Frechet distance of more takes seconds, so that it is resampled less
_MIN_REPLICATES = 10
MIN_ITEMS = NEIGHBORS + 1  # of either set

_ABOUT = {
    "frechet": "distance of means and covariances, percent of the real variance; less is better",
    "kernel": "unbiased kernel distance x 1000; less is better; best below 2,000 items",
    "sliced_wasserstein": "distance along random directions x 100; less is better",
    "auc": "how well a classifier tells samples from real items; .5 is best, 1 worst",
    "precision": "share of samples that lie among real items; more is better",
    "recall": "share of real items that lie among samples; more is better",
    "density": "real neighborhoods that a sample lies in; about 1 is right",
    "coverage": "share of real neighborhoods that hold a sample; more is better",
}
# Of a network's own features it is what FID is of Inception's.
_UNSCALED = "squared distance of means and covariances of these features; less is better"


@dataclass(frozen=True, eq=False)
class Sets:
    """Features to compare, each of shape (items, dims).

    Args:
        train: Of real items that were trained on.
        held_out: Of other real items; what is compared with.
        samples: Of generated items.
        near: Tells items that are suspiciously near to those trained on, or None.
        scaled: Whether the variances of the features of real items sum to about 1.
    """

    train: np.ndarray
    held_out: np.ndarray
    samples: np.ndarray
    near: Memorization | None
    scaled: bool = True


Interval = tuple[float, float]
# A value, and what finds its interval, which takes longer.
Measured = tuple[float, Callable[[], Interval]]


def feature_figures(sets: Sets, seed: int, replicates: int = 200) -> list[Figure]:
    """Return the figures that any features allow.

    Args:
        sets: What to compare; at least ``MIN_ITEMS`` items of each kind.
        seed: Of resampling and classifiers.
        replicates: Times that items are resampled for an interval.
    """
    rng = np.random.default_rng(seed)
    # The floor: as many real items in the place of the samples.
    count = min(len(sets.samples), len(sets.train))
    real = sets.train[rng.choice(len(sets.train), count, replace=False)]
    percent = 100.0 if sets.scaled else 1.0
    measured, of_real = (
        _measure(items, sets.held_out, percent, seed, rng, replicates)
        for items in (sets.samples, real)
    )
    floors = {name: value for name, (value, _) in of_real.items()}
    about = _ABOUT if sets.scaled else {**_ABOUT, "frechet": _UNSCALED}
    if sets.near is not None:
        near = sets.near.near(sets.samples).astype(float)
        measured[NEAR_TRAINING] = _mean(near, rng)
        floors[NEAR_TRAINING] = sets.near.floor
        about = {**about, NEAR_TRAINING: sets.near.about}
    return [
        Figure(name, value, *limits(), floors[name], len(sets.samples), about[name])
        for name, (value, limits) in measured.items()
    ]


def _measure(
    items: np.ndarray, real: np.ndarray, percent: float, seed: int, rng: np.random.Generator,
    replicates: int,
) -> dict[str, Measured]:
    """Return the figures of the features of items, by name."""
    dims = items.shape[1]
    along = directions(dims, np.random.default_rng(seed))
    few = min(replicates, max(_MIN_REPLICATES, int(replicates * (_SMALL / dims) ** 3)))

    def frechet(a: np.ndarray, b: np.ndarray) -> float:
        return percent * frechet_distance(a, b)

    def sliced(a: np.ndarray, b: np.ndarray) -> float:
        return 100.0 * sliced_wasserstein(quantiles(a, along), quantiles(b, along))

    def resampled(
        statistic: Callable[..., float], *of: np.ndarray, low: float = -np.inf,
        high: float = np.inf, times: int = replicates,
    ) -> Measured:
        value = statistic(*of)

        def limits() -> Interval:
            first, last = interval(statistic, of, value, rng, times)
            return max(first, low), min(last, high)

        return value, limits

    kernel, error = (1000.0 * each for each in kernel_distance(items, real))
    logits = told_apart(real, items, seed)
    overlap = manifold(torch.from_numpy(real), torch.from_numpy(items), NEIGHBORS)
    return {
        "frechet": resampled(frechet, items, real, low=0.0, times=few),
        "kernel": (kernel, lambda: normal_interval(kernel, error)),
        "sliced_wasserstein": resampled(sliced, items, real, low=0.0),
        "auc": resampled(auc, logits[: len(real)], logits[len(real) :], low=0.0, high=1.0),
        "precision": _mean(overlap.precision.numpy(), rng),
        "recall": _mean(overlap.recall.numpy(), rng),
        "density": _mean(overlap.density.numpy(), rng),
        "coverage": _mean(overlap.coverage.numpy(), rng),
    }


def _mean(values: np.ndarray, rng: np.random.Generator) -> Measured:
    return float(values.mean()), lambda: mean_interval(values, rng)
