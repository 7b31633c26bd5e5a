"""Spread of generated items over that of real ones."""

import math

import numpy as np

from gancli.metrics.frechet import Gaussian

_NOTHING = 1e-9  # of the features' squared unit; two sets without any spread are alike


def spread_ratio(generated: Gaussian, real: Gaussian) -> float:
    """Return the ratio of root mean squared pairwise distances: 1 alike, 0 one item repeated.

    The mean squared distance of two items is twice the trace of the covariance.
    """
    traces = [float(np.trace(g.covariance)) + _NOTHING for g in (generated, real)]
    return math.sqrt(traces[0] / traces[1])
