"""Spread of generated items over that of real ones."""

import math

import numpy as np

from gancli.metrics.frechet import Gaussian

_EPSILON = 1e-9  # in squared feature units; makes two sets without any spread alike


def spread_ratio(generated: Gaussian, real: Gaussian) -> float:
    """Return the ratio of root mean square pairwise distances: 1 if alike, 0 for one item repeated.

    The mean squared distance of two items is twice the trace of the covariance.
    """
    traces = [float(np.trace(g.covariance)) + _EPSILON for g in (generated, real)]
    return math.sqrt(traces[0] / traces[1])
