"""Precision, recall, density and coverage on cases that can be counted by hand."""

from types import SimpleNamespace

import pytest
import torch

from gancli.errors import GancliError
from gancli.metrics import manifold as module
from gancli.metrics.manifold import manifold


def _line(*points: float) -> torch.Tensor:
    return torch.tensor(points)[:, None]


def means(real: torch.Tensor, generated: torch.Tensor, k: int = 5) -> SimpleNamespace:
    """Return the four figures of two sets."""
    overlap = vars(manifold(real, generated, k))
    return SimpleNamespace(**{name: float(values.mean()) for name, values in overlap.items()})


def test_counted_by_hand() -> None:
    # k = 1. Real radii: 0 and 1 reach 1, 4 reaches 3, 10 reaches 6: [-1, 1] [0, 2] [1, 7] [4, 16].
    # Generated radii: 1.5, 1.5 and 17: [-1, 2] [.5, 3.5] [3, 37].
    overlap = means(_line(0, 1, 4, 10), _line(0.5, 2, 20), k=1)
    assert overlap.precision == pytest.approx(2 / 3)  # 20 is in no real ball
    assert overlap.recall == pytest.approx(4 / 4)
    assert overlap.density == pytest.approx((2 + 2 + 0) / 3)  # 0.5 in two balls, 2 in two
    assert overlap.coverage == pytest.approx(3 / 4)  # nothing in [4, 16]


def test_density_is_divided_by_k() -> None:
    # k = 2. Real radii 2, 1, 1, 2, so [-2, 2] [0, 2] [1, 3] [1, 5]; all hold 1.5, none 9 or 9.5.
    overlap = means(_line(0, 1, 2, 3), _line(1.5, 9, 9.5), k=2)
    assert overlap.density == pytest.approx(4 / (2 * 3))
    assert overlap.coverage == 1
    assert overlap.precision == pytest.approx(1 / 3)
    # Generated radii 8, 7.5, 8: 1.5 reaches [-6.5, 9.5].
    assert overlap.recall == 1


def test_one_item_repeated_is_precise_but_covers_little() -> None:
    real = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    overlap = means(real, real[:1].repeat(50, 1))
    assert overlap.precision == 1
    assert overlap.recall == pytest.approx(1 / 200)
    assert overlap.coverage < 0.1


def test_far_apart_is_nothing_and_alike_is_nearly_one() -> None:
    rng = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, 400, 4, generator=rng)
    assert means(a, b + 100) == SimpleNamespace(
        precision=0, recall=0, density=0, coverage=0
    )
    overlap = means(a, b)
    assert overlap.density == pytest.approx(1, abs=0.1)
    assert overlap.coverage > 0.9
    # Naeem et al. 2020, equation 9: for like sets of equal size the coverage is 1 - 1/2^k nearly.
    assert overlap.coverage == pytest.approx(1 - 1 / 2**5, abs=0.03)


def test_rows_at_a_time_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(2))
    whole = means(a, b)
    monkeypatch.setattr(module, "_ROWS", 7)
    assert means(a, b) == whole


def test_too_few_items() -> None:
    with pytest.raises(GancliError, match="5 items are too few"):
        manifold(torch.zeros(5, 2), torch.zeros(50, 2))
