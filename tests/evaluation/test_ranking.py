"""Ranks by a paired bootstrap over seeds."""

import pytest

from gancli.evaluation.ranking import rank


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
