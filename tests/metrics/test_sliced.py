"""The sliced Wasserstein distance on cases that can be worked out."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from gancli.metrics.sliced import directions, quantiles, sliced_wasserstein


def test_a_shift_is_seen_from_all_sides() -> None:
    rng = np.random.default_rng(0)
    x, shift = rng.standard_normal((300, 3)), np.array([3.0, 0.0, 0.0])
    along = directions(3, rng)
    found = sliced_wasserstein(quantiles(x, along), quantiles(x + shift, along))
    # Along a unit vector u the distance is |u . shift|.
    assert found == pytest.approx(np.sqrt(np.square(shift @ along).mean()), rel=1e-9)
    assert found == pytest.approx(3 / np.sqrt(3), rel=0.15)


def test_sizes_may_differ() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((1000, 1)), 0.5 + rng.standard_normal((700, 1))
    along = np.ones((1, 1))
    found = np.abs(quantiles(a, along) - quantiles(b, along)).mean()
    assert found == pytest.approx(wasserstein_distance(a[:, 0], b[:, 0]), rel=0.02)
