import pytest
import torch
from torch import nn

from gancli.layers.names import DOWN_SAMPLERS
from gancli.layers.resampling import down_sample


def layers(kind):
    torch.manual_seed(0)
    return nn.Sequential(*down_sample(
        kind, 1, 8, lambda layer: layer, nn.Identity(), nn.LeakyReLU(0.2), bias=False
    ))


@pytest.mark.parametrize("kind", DOWN_SAMPLERS)
def test_sides_are_halved(kind):
    assert layers(kind)(torch.zeros(2, 1, 12, 12)).shape == (2, 8, 6, 6)


@pytest.mark.parametrize("kind", DOWN_SAMPLERS)
def test_a_pattern_of_two_pixels_period_is_seen(kind):
    rows, columns = torch.meshgrid(torch.arange(12), torch.arange(12), indexing="ij")
    checkered = ((rows + columns) % 2 * 2.0 - 1)[None, None]
    inner = layers(kind)(checkered)[..., 1:-1, 1:-1]
    assert inner.abs().mean() > 0.01
