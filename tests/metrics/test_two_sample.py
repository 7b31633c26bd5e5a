"""Whether a classifier can tell sets apart."""

import numpy as np
import pytest
import torch

from gancli.metrics.two_sample import auc, told_apart


def apart(real, generated, seed=0):
    logits = told_apart(real, generated, seed)
    return auc(logits[: len(real)], logits[len(real) :])


def drawn(seed, count, std=1.0):
    return std * np.random.default_rng(seed).standard_normal((count, 6))


def test_auc_counted_by_hand() -> None:
    # Pairs: 3 above both, 1 above the 0 and level with the 1.
    assert auc(np.array([3.0, 1.0]), np.array([0.0, 1.0])) == pytest.approx((1 + 1 + 1 + 0.5) / 4)
    assert auc(np.array([0.0]), np.array([1.0])) == 0


def test_one_distribution_cannot_be_told_apart() -> None:
    assert 0.42 < apart(drawn(0, 400), drawn(1, 400)) < 0.58


def test_a_spread_that_no_plane_divides_is_told() -> None:
    assert apart(drawn(0, 400), drawn(1, 400, std=0.5)) > 0.75


def test_unlike_sizes_make_no_difference() -> None:
    assert 0.4 < apart(drawn(0, 900), drawn(1, 100)) < 0.6


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    told_apart(drawn(0, 20), drawn(1, 20), 0)
    assert torch.equal(before, torch.get_rng_state())
