"""The Frechet distance against closed forms, scipy's matrix square root and degenerate sets."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torchmetrics.image.fid import _compute_fid

from gancli.metrics.diversity import spread_ratio
from gancli.metrics.frechet import Gaussian, distance, fit, frechet_distance


def _covariance(rng: np.random.Generator, dims: int) -> np.ndarray:
    root = rng.normal(size=(dims, dims))
    return root @ root.T


def test_one_dimension_has_a_closed_form() -> None:
    a = Gaussian(np.array([1.0]), np.array([[4.0]]))
    b = Gaussian(np.array([4.0]), np.array([[25.0]]))
    assert distance(a, b) == pytest.approx((1 - 4) ** 2 + (2 - 5) ** 2)


def test_commuting_covariances_have_a_closed_form() -> None:
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    a, b = np.array([1.0, 4.0, 9.0]), np.array([16.0, 1.0, 0.0])
    gaussians = [Gaussian(np.zeros(3), (rotation * v) @ rotation.T) for v in (a, b)]
    assert distance(*gaussians) == pytest.approx(np.square(np.sqrt(a) - np.sqrt(b)).sum())


def test_agrees_with_the_matrix_square_root() -> None:
    rng = np.random.default_rng(1)
    a = Gaussian(rng.normal(size=6), _covariance(rng, 6))
    b = Gaussian(rng.normal(size=6), _covariance(rng, 6))
    root = sqrtm(a.covariance @ b.covariance).real
    expected = np.square(a.mean - b.mean).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    assert distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert distance(b, a) == pytest.approx(expected, rel=1e-9)


def test_the_covariance_is_the_unbiased_one() -> None:
    x = np.random.default_rng(2).normal(size=(5, 3))
    np.testing.assert_allclose(fit(x).covariance, np.cov(x.T))


def test_fewer_items_than_dimensions() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4, 50))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(x, x + 2) == pytest.approx(50 * 4, rel=1e-6)
    # The covariances' supports are orthogonal: nothing of one is in the other.
    wide, other = np.zeros((4, 100)), np.zeros((4, 100))
    wide[:, :50], other[:, 50:] = x, rng.normal(size=(4, 50))
    a, b = fit(wide), fit(other)
    apart = np.square(a.mean - b.mean).sum() + np.trace(a.covariance) + np.trace(b.covariance)
    assert distance(a, b) == pytest.approx(apart, rel=1e-6)


def test_one_item() -> None:
    x = np.random.default_rng(4).normal(size=(100, 3))
    expected = np.square(x.mean(0)).sum() + np.cov(x.T).trace()
    assert frechet_distance(np.zeros((1, 3)), x) == pytest.approx(expected)


def test_spread_is_a_ratio_of_distances() -> None:
    x = np.random.default_rng(5).normal(size=(40, 3))
    real = fit(x)
    assert spread_ratio(fit(7 + x), real) == pytest.approx(1)
    assert spread_ratio(fit(x / 2), real) == pytest.approx(0.5)
    assert spread_ratio(fit(x[:1].repeat(40, 0)), real) == pytest.approx(0, abs=1e-4)
    assert spread_ratio(fit(x[:1].repeat(2, 0)), fit(x[1:2].repeat(2, 0))) == pytest.approx(1)


def test_agrees_with_the_published_implementation() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((60, 5)), 1.5 * rng.standard_normal((50, 5)) + 0.2
    moments = [
        torch.from_numpy(part) for x in (a, b) for part in (x.mean(0), np.cov(x.T))
    ]
    assert frechet_distance(a, b) == pytest.approx(float(_compute_fid(*moments)), rel=1e-6)
