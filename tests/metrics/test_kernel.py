"""The kernel distance against its published implementation, and its error against brute force."""

import numpy as np
import pytest
import torch
from torchmetrics.image.kid import poly_mmd

from gancli.metrics import kernel as module
from gancli.metrics.kernel import kernel_distance


def drawn(seed, count, shift=0.0, dims=8):
    return np.random.default_rng(seed).standard_normal((count, dims)) + shift


def test_agrees_with_the_published_implementation(monkeypatch) -> None:
    monkeypatch.setattr(module, "_ROWS", 13)  # several parts of unlike length
    a, b = drawn(0, 40), drawn(1, 40, 0.3)
    published = poly_mmd(torch.from_numpy(a), torch.from_numpy(b), degree=3, gamma=None, coef=1.0)
    assert kernel_distance(a, b)[0] == pytest.approx(float(published), rel=1e-9)


def test_is_unbiased() -> None:
    # Of a single distribution the mean is 0, however few there are; a biased one would be 100 std.
    values = [kernel_distance(drawn(seed, 10), drawn(seed + 1000, 15))[0] for seed in range(400)]
    assert abs(np.mean(values)) < 3 * np.std(values) / 20


def test_the_error_is_what_leaving_one_out_gives() -> None:
    a, b = drawn(0, 12), drawn(1, 9, 0.5)
    without_a = [kernel_distance(np.delete(a, place, 0), b)[0] for place in range(len(a))]
    without_b = [kernel_distance(a, np.delete(b, place, 0))[0] for place in range(len(b))]
    expected = (11 * np.var(without_a) + 8 * np.var(without_b)) ** 0.5
    assert kernel_distance(a, b)[1] == pytest.approx(expected, rel=1e-9)


def test_the_error_is_about_the_spread_of_repetitions() -> None:
    pairs = [kernel_distance(drawn(s, 60), drawn(s + 999, 60, 0.3)) for s in range(100)]
    values, errors = np.array(pairs).T
    assert 0.8 < np.median(errors) / values.std() < 1.3
