"""Intervals of resampled items."""

import numpy as np
import pytest

from gancli.metrics.bootstrap import interval, mean_interval


def test_of_a_mean_it_is_what_the_formula_gives() -> None:
    x = np.random.default_rng(0).standard_normal(400)
    value = float(x.mean())
    low, high = interval(
        lambda x: float(x.mean()), (x,), value, np.random.default_rng(1), replicates=2000
    )
    error = 1.96 * x.std() / 20
    assert value - low == pytest.approx(error, rel=0.1)
    assert high - value == pytest.approx(error, rel=0.1)


@pytest.mark.parametrize(("hits", "low", "high"), [
    (0, 0, 0.0370), (100, 0.9630, 1), (5, 0.0215, 0.1118), (50, 0.4038, 0.5962),
])
def test_of_a_share_it_is_wilsons(hits: int, low: float, high: float) -> None:
    found = mean_interval(np.repeat([1.0, 0.0], [hits, 100 - hits]), np.random.default_rng(0))
    assert found == pytest.approx((low, high), abs=1e-4)


def test_the_interval_of_a_share_stays_within_0_and_1() -> None:
    rng = np.random.default_rng(0)
    for count in range(1, 300):
        assert mean_interval(np.zeros(count), rng)[0] == 0, count
        assert mean_interval(np.ones(count), rng)[1] == 1, count


def test_of_other_values_the_mean_is_resampled() -> None:
    x = np.random.default_rng(0).standard_normal(400)
    low, high = mean_interval(x, np.random.default_rng(1))
    assert high - low == pytest.approx(2 * 1.96 * x.std() / 20, rel=0.2)


def test_few_replicates_say_how_far_they_spread() -> None:
    x = np.random.default_rng(0).standard_normal(400)
    value = float(x.mean())
    widths = []
    for seed in range(20):
        low, high = interval(
            lambda x: float(x.mean()), (x,), value, np.random.default_rng(seed), replicates=10
        )
        assert low + high == pytest.approx(2 * value)
        widths.append(high - value)
    assert np.mean(widths) == pytest.approx(1.96 * x.std() / 20, rel=0.1)


def test_repeats_do_not_move_it_away_from_the_value() -> None:
    # Resampled, two sets of few items are farther apart than they are.
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 40, 10))

    def statistic(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.square(np.cov(a.T) - np.cov(b.T)).sum())

    value = statistic(a, b)
    low, high = interval(statistic, (a, b), value, rng)
    assert low < value < high


def test_both_sets_are_resampled() -> None:
    still, moving = np.zeros(50), np.arange(50.0)
    for sets in ((still, moving), (moving, still)):
        low, high = interval(
            lambda a, b: float(a.mean() + b.mean()), sets, 24.5, np.random.default_rng(0)
        )
        assert high - low > 3
