"""A figure as it may be shown: never bare, always with its floor and its interval."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from gancli.metrics.bootstrap import interval, normal_interval
from gancli.metrics.frechet import frechet_distance
from gancli.metrics.kernel import kernel_distance
from gancli.metrics.manifold import manifold
from gancli.metrics.memorization import Memorization
from gancli.metrics.sliced import directions, quantiles, sliced_wasserstein
from gancli.metrics.two_sample import auc, told_apart

NEIGHBORS = 5  # of precision, recall, density and coverage
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
    "near_training": "share nearer to a training item than 95% of held-out ones; .05 is right",
}


@dataclass(frozen=True)
class Figure:
    """What was measured of samples.

    Args:
        name: Of the figure.
        value: Of the samples.
        low, high: Its 95% interval.
        floor: What as many real items get.
        n: Number of samples.
        about: What it says, and which way is better.
    """

    name: str
    value: float
    low: float
    high: float
    floor: float
    n: int
    about: str


@dataclass(frozen=True, eq=False)
class Sets:
    """Features to compare, each of shape (items, dims).

    Args:
        train: Of real items that were trained on.
        held_out: Of other real items; what is compared with.
        samples: Of generated items.
        near: Tells items that are suspiciously near to those trained on, or None if no others
            were held out.
    """

    train: np.ndarray
    held_out: np.ndarray
    samples: np.ndarray
    near: Memorization | None


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
    measured, of_real = (
        _measure(items, sets.held_out, seed, rng, replicates) for items in (sets.samples, real)
    )
    if sets.near is not None:
        for found, items in ((measured, sets.samples), (of_real, sets.held_out)):
            near = sets.near.near(items).astype(float)
            found["near_training"] = _mean(near, rng, replicates)
    return [
        Figure(name, value, *limits(), of_real[name][0], len(sets.samples), _ABOUT[name])
        for name, (value, limits) in measured.items()
    ]


def _measure(
    items: np.ndarray, real: np.ndarray, seed: int, rng: np.random.Generator, replicates: int
) -> dict[str, Measured]:
    """Return the figures of the features of items, by name."""
    along = directions(items.shape[1], np.random.default_rng(seed))

    def frechet(a: np.ndarray, b: np.ndarray) -> float:
        return 100.0 * frechet_distance(a, b)

    def sliced(a: np.ndarray, b: np.ndarray) -> float:
        return 100.0 * sliced_wasserstein(quantiles(a, along), quantiles(b, along))

    def resampled(
        statistic: Callable[..., float], *of: np.ndarray, low: float = -np.inf, high: float = np.inf
    ) -> Measured:
        value = statistic(*of)

        def limits() -> Interval:
            first, last = interval(statistic, of, value, rng, replicates)
            return max(first, low), min(last, high)

        return value, limits

    kernel, error = (1000.0 * each for each in kernel_distance(items, real))
    logits = told_apart(real, items, seed)
    overlap = manifold(torch.from_numpy(real), torch.from_numpy(items), NEIGHBORS)
    return {
        "frechet": resampled(frechet, items, real, low=0.0),
        "kernel": (kernel, lambda: normal_interval(kernel, error)),
        "sliced_wasserstein": resampled(sliced, items, real, low=0.0),
        "auc": resampled(auc, logits[: len(real)], logits[len(real) :], low=0.0, high=1.0),
        "precision": _mean((overlap.inside > 0).double().numpy(), rng, replicates),
        "recall": _mean(overlap.recalled.double().numpy(), rng, replicates),
        "density": _mean(overlap.inside.double().numpy() / NEIGHBORS, rng, replicates),
        "coverage": _mean(overlap.covered.double().numpy(), rng, replicates),
    }


def _mean(values: np.ndarray, rng: np.random.Generator, replicates: int) -> Measured:
    value = float(values.mean())
    return value, lambda: interval(lambda x: float(x.mean()), (values,), value, rng, replicates)
