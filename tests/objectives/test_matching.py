"""Feature matching."""

import pytest
import torch

from gancli.objectives.matching import feature_distance


def test_only_the_means_of_batches_count():
    features = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    assert feature_distance(features, features.flip(0)).item() == pytest.approx(0, abs=1e-6)
    moved = features + torch.tensor([0.0, 0.6, -0.3])
    assert feature_distance(features, moved).item() == pytest.approx(0.3, abs=1e-6)
