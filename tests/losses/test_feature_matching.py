"""Feature matching."""

import pytest
import torch
from helpers import whole

from gancli.losses.feature_matching import feature_matching


def test_it_is_the_distance_of_means():
    features = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    assert feature_matching(features, features, whole(6)).item() == pytest.approx(0, abs=1e-6)
    moved = features + torch.tensor([0.0, 0.6, -0.3])
    assert feature_matching(features, moved, whole(6)).item() == pytest.approx(0.3, abs=1e-6)


def slope(shift):
    """Return the mean slope over batches along a spread of 1 and along a shift of the fake ones."""
    random = torch.Generator().manual_seed(0)
    spread = torch.ones((), requires_grad=True)
    moved = torch.tensor(shift, requires_grad=True)
    for _ in range(400):
        real, noise = torch.randn(2, 8, 50, generator=random)
        feature_matching(real, spread * noise + moved, whole(8)).backward()
    return spread.grad.item() / 400, moved.grad.item() / 400


def test_items_are_not_made_alike_to_lessen_chance():
    along_spread, along_shift = slope(0.0)
    assert abs(along_spread) < 0.01  # .2 for the plain distance of batch means
    assert abs(along_shift) < 0.03
    assert slope(0.5)[1] > 0.4
