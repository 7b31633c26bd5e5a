"""The scores of a cell's trainings as curves."""

from collections.abc import Sequence

import numpy as np

Points = list[tuple[float, float]]  # where in the training, and the value


def median_curve(curves: Sequence[Points]) -> Points:
    """Return the median of several curves, at all places where one of them has a point.

    Each is a straight line between its points, and keeps its last value. The median begins where
    all have begun.

    Args:
        curves: With one point at least, in order.
    """
    begin = max(curve[0][0] for curve in curves)
    places = sorted({at for curve in curves for at, _ in curve if at >= begin})
    arrays = [np.array(curve) for curve in curves]
    values = [np.interp(places, array[:, 0], array[:, 1]) for array in arrays]
    return list(zip(places, np.median(values, axis=0).tolist(), strict=True))
