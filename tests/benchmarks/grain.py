"""Checkered grain: whether a picture is rougher on some pixels of a 2x2 tile than on others.

Real pictures treat all four places of a tile alike, so the figure is near 0; strided layers leave
a pattern of their own, which people see and Frechet distances hardly do.
"""

import numpy as np


def grain(pixels: np.ndarray) -> float:
    """Return the spread of the mean absolute Laplacian over the four places of a 2x2 tile.

    Args:
        pixels: uint8, shape (n, h, w, c) with even sides.

    Returns:
        The standard deviation of the four means, divided by their mean.
    """
    x = pixels.astype(np.float32)
    rough = np.abs(
        4 * x[:, 1:-1, 1:-1] - x[:, :-2, 1:-1] - x[:, 2:, 1:-1] - x[:, 1:-1, :-2] - x[:, 1:-1, 2:]
    )
    means = np.array([rough[:, row::2, column::2].mean() for row in (0, 1) for column in (0, 1)])
    return float(means.std() / means.mean())
