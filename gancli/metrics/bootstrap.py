"""How far chance may have moved a figure: intervals from resampled items (Efron 1979)."""

from collections.abc import Callable

import numpy as np

_Z = 1.96  # standard errors on either side
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


def mean_interval(values: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Return the 95% interval of the mean of values, shape (items,).

    Of a share (values 0 and 1) it is Wilson's (1927), which says of none in 100 that it may be up
    to 4%, where resampled items would be all alike.
    """
    value, n = float(values.mean()), len(values)
    if not np.isin(values, (0.0, 1.0)).all():
        return interval(lambda x: float(x.mean()), (values,), value, rng)
    shrunk = 1 + _Z**2 / n
    center = (value + _Z**2 / (2 * n)) / shrunk
    half = _Z / shrunk * np.sqrt(value * (1 - value) / n + (_Z / (2 * n)) ** 2)
    # Rounding must not leave a share below 0 or above 1.
    return max(min(float(center - half), value), 0.0), min(max(float(center + half), value), 1.0)


def normal_interval(value: float, error: float) -> tuple[float, float]:
    """Return the 95% interval of a figure whose standard error is known."""
    return value - _Z * error, value + _Z * error
