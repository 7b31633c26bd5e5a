"""Ranks by a paired bootstrap over seeds."""

import numpy as np
import pytest
from scipy.stats import t

from gancli.evaluation.ranking import _student, rank


def test_a_constant_ratio_is_beyond_chance() -> None:
    # Seeds differ far more than cells do, so only the pairs show it.
    scores = {"slow": {0: 2.2, 1: 11.0, 2: 22.0}, "fast": {0: 2.0, 1: 10.0, 2: 20.0}}
    best, other = rank(scores)
    assert (best.name, best.median, best.low, best.high) == ("fast", 10.0, 2.0, 20.0)
    assert other.name == "slow"
    assert other.ratio == pytest.approx(1.1)
    assert not other.within_chance


def test_seeds_that_disagree_are_within_chance() -> None:
    scores = {"a": {0: 1.0, 1: 2.0, 2: 3.0}, "b": {0: 1.2, 1: 2.1, 2: 2.7}}
    best, other = rank(scores)
    assert best.name == "a"
    assert other.ratio_low < 1 < other.ratio_high
    assert other.within_chance


def test_one_seed_shows_nothing() -> None:
    assert all(each.within_chance for each in rank({"a": {0: 1.0}, "b": {0: 50.0}}))


def test_cells_without_scores_are_left_out_and_pairs_are_those_that_both_have() -> None:
    ranks = rank({"a": {0: 1.0, 1: 1.0, 2: 1.0}, "b": {1: 2.0, 2: 2.0, 3: 99.0}, "c": {}})
    assert [each.name for each in ranks] == ["a", "b"]
    assert ranks[1].ratio == pytest.approx(2)
    assert ranks[1].seeds == 3


def test_many_seeds_are_resampled_at_random() -> None:
    scores = {"a": dict.fromkeys(range(12), 1.0), "b": {s: 1.0 + 0.1 * (s % 3) for s in range(12)}}
    other = rank(scores)[1]
    assert 1 < other.ratio_low < other.ratio < other.ratio_high < 1.2


def test_few_seeds_are_not_believed_more_than_they_deserve() -> None:
    rng = np.random.default_rng(0)
    for seeds in (2, 3, 5, 8):
        misses = 0
        for _ in range(400):
            ratios = np.exp(rng.normal(0.5, 0.1, seeds))
            scores = {"a": dict.fromkeys(range(seeds), 1.0), "b": dict(enumerate(ratios))}
            other = rank(scores)[1]
            misses += not other.ratio_low <= np.exp(0.5) <= other.ratio_high
        assert 0.005 < misses / 400 < 0.11  # of 5%; without the widening, 25% of three seeds


@pytest.mark.parametrize("freedom", [1, 2, 5, 8, 9, 40])
def test_quantiles_of_students_t(freedom: int) -> None:
    assert _student(freedom) == pytest.approx(t.ppf(0.975, freedom), rel=2e-3)
