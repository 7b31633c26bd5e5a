"""Normalization layers that are our own."""

import pytest
import torch

from gancli.layers.normalization import ModulatedBatchNorm


def test_scale_and_shift_follow_the_code():
    torch.manual_seed(0)
    layer = ModulatedBatchNorm(3, 5)
    x, code = torch.randn(8, 3, 4, 4) * 2 + 1, torch.randn(8, 5)
    y = layer(x, code)
    normalized = (x - x.mean((0, 2, 3), keepdim=True)) / x.var(
        (0, 2, 3), unbiased=False, keepdim=True
    ).add(1e-5).sqrt()
    scale, shift = (code @ layer.modulation.weight.T).chunk(2, 1)
    expected = normalized * (1 + scale[..., None, None]) + shift[..., None, None]
    assert torch.allclose(y, expected, atol=1e-5)


def test_a_code_of_zeros_gives_plain_batch_norm():
    layer, plain = ModulatedBatchNorm(3, 5), torch.nn.BatchNorm2d(3)
    x = torch.randn(8, 3, 4, 4)
    assert torch.allclose(layer(x, torch.zeros(8, 5)), plain(x), atol=1e-6)


def test_the_first_modulation_has_the_same_strength_for_codes_of_any_length():
    torch.manual_seed(0)
    for length in (8, 256):
        layer = ModulatedBatchNorm(512, length)
        modulation = layer.modulation(torch.randn(200, length))
        assert modulation.std().item() == pytest.approx(layer._DEVIATION, rel=0.1)


def test_an_item_does_not_depend_on_its_neighbors_in_evaluation():
    layer = ModulatedBatchNorm(3, 5)
    x, code = torch.randn(8, 3, 4, 4), torch.randn(8, 5)
    layer(x, code)
    layer.eval()
    assert torch.allclose(layer(x, code)[2:3], layer(x[2:3], code[2:3]), atol=1e-6)
