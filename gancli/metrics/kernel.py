"""The kernel distance: an unbiased squared maximum mean discrepancy with a cubic kernel.

On the features of an Inception network this is the KID of Binkowski et al. 2018 (arXiv
1801.01401). Unlike the Frechet distance its expectation does not depend on the number of items,
so it is the figure to trust where they are few; chance may make it negative.
"""

import numpy as np

_DEGREE = 3
_ROWS = 1024  # rows of a kernel matrix at a time: bounds memory, changes no result


def kernel_distance(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return the distance of features (n, dims) from (m, dims), and its standard error.

    The error is that of leaving out one item of either set after the other (the jackknife; Efron
    and Stein 1981).
    """
    (rows_a, _), (rows_b, _), (across_a, across_b) = _sums(a, a), _sums(b, b), _sums(a, b)
    rows_a, rows_b = rows_a - _kernel_of_same(a), rows_b - _kernel_of_same(b)
    n, m = len(a), len(b)
    total_a, total_b, across = rows_a.sum(), rows_b.sum(), across_a.sum()
    distance = _statistic(total_a, n, total_b, m, across)
    without_a = _statistic(total_a - 2 * rows_a, n - 1, total_b, m, across - across_a)
    without_b = _statistic(total_a, n, total_b - 2 * rows_b, m - 1, across - across_b)
    return float(distance), float(np.sqrt(_jackknife(without_a) + _jackknife(without_b)))


def _sums(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums over each row and each column of the kernel of all pairs."""
    rows, columns = np.empty(len(a)), np.zeros(len(b))
    for start in range(0, len(a), _ROWS):
        kernel = (a[start : start + _ROWS] @ b.T / a.shape[1] + 1.0) ** _DEGREE
        rows[start : start + _ROWS] = kernel.sum(1)
        columns += kernel.sum(0)
    return rows, columns


def _kernel_of_same(a: np.ndarray) -> np.ndarray:
    kernel: np.ndarray = (np.square(a).sum(1) / a.shape[1] + 1.0) ** _DEGREE
    return kernel


def _statistic(
    total_a: np.ndarray, n: int, total_b: np.ndarray, m: int, across: np.ndarray
) -> np.ndarray:
    """Return the statistic, given the sums of the kernels of different items."""
    statistic: np.ndarray = (
        total_a / (n * (n - 1)) + total_b / (m * (m - 1)) - 2 * across / (n * m)
    )
    return statistic


def _jackknife(without: np.ndarray) -> float:
    """Return the variance, given the statistic without each item."""
    return float((len(without) - 1) * without.var())
