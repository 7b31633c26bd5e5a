"""Normalization layers that are our own."""

import pytest
import torch

from gancli.layers.normalization import ModulatedBatchNorm
from gancli.layers.summary import layer_table
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.networks import build
from gancli.modalities.image.spec import ImageSpec


def test_scale_and_shift_follow_the_code():
    torch.manual_seed(0)
    layer = ModulatedBatchNorm(3, 5)
    x, code = torch.randn(8, 3, 4, 4) * 2 + 1, torch.randn(8, 5)
    y = layer(x, code)
    normalized = (x - x.mean((0, 2, 3), keepdim=True)) / x.var(
        (0, 2, 3), unbiased=False, keepdim=True
    ).add(1e-5).sqrt()
    scale, shift = (code @ layer.modulation.T).chunk(2, 1)
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
        modulation = torch.randn(200, length) @ layer.modulation.T
        assert modulation.std().item() == pytest.approx(layer._DEVIATION, rel=0.1)


def test_an_item_does_not_depend_on_its_neighbors_in_evaluation():
    layer = ModulatedBatchNorm(3, 5)
    x, code = torch.randn(8, 3, 4, 4), torch.randn(8, 5)
    layer(x, code)
    layer.eval()
    assert torch.allclose(layer(x, code)[2:3], layer(x[2:3], code[2:3]), atol=1e-6)


def test_the_table_of_layers_has_it_by_name():
    generator = made(size=16).generator.eval()
    rows = layer_table(generator, lambda: generator(torch.randn(1, 6)))
    modulated = [row for row in rows if row.kind == "ModulatedBatchNorm"]
    assert [row.output_shape for row in modulated] == [(8, 4, 4), (4, 8, 8)]
    assert [row.multiply_adds for row in modulated] == [16 * 6, 8 * 6]
    assert [row.parameters for row in modulated] == [16 * 7, 8 * 7]
    assert not any(row.kind == "BatchNorm2d" for row in rows)


def made(size):
    config = ImageConfig(g_width=4, d_width=4, latent=6)
    return build(ImageSpec(size, "L", "crop", (), (), 10), config)
