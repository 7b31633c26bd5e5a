"""How far chance may have moved a figure: intervals from resampled items (Efron 1979)."""

from collections.abc import Callable

import numpy as np

_TAIL = 0.025  # left out at either end of an interval of 95%
_FEW = 50  # replicates; fewer say nothing of tails, but how far they spread


def interval(
    statistic: Callable[..., float], sets: tuple[np.ndarray, ...], value: float,
    rng: np.random.Generator, replicates: int = 200,
) -> tuple[float, float]:
    """Return the 95% interval of a statistic of sets, each of which is resampled by itself.

    Resampled items repeat, which makes distances larger than they are. So the interval is that of
    the deviations from the mean of the replicates, around the value: what it would be with other
    samples, as many as these, and so to be compared with a floor at the same number.

    Args:
        statistic: Of arrays like ``sets``.
        sets: Their first axes count the items.
        value: The statistic of the sets themselves.
        rng: Draws the items.
        replicates: How many times.
    """
    found = [
        statistic(*(each[rng.integers(0, len(each), len(each))] for each in sets))
        for _ in range(replicates)
    ]
    if replicates < _FEW:
        return normal_interval(value, float(np.std(found, ddof=1)))
    low, high = np.quantile(found, [_TAIL, 1 - _TAIL]) - np.mean(found)
    return float(value + low), float(value + high)


def normal_interval(value: float, error: float) -> tuple[float, float]:
    """Return the 95% interval of a figure whose standard error is known."""
    return value - 1.96 * error, value + 1.96 * error
