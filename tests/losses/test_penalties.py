"""Penalties on discriminators whose gradient is known."""

import math

import pytest
import torch
from helpers import whole

from gancli.losses.penalties import (
    SobolevSq,
    euclidean_sq,
    gradient_norm_sq,
    gradient_penalty,
    noise_penalty,
)


def test_squared_gradient_of_a_linear_map_is_its_squared_weight():
    weight = torch.tensor([[3.0, 4.0]])
    items = torch.randn(5, 2)
    found = gradient_norm_sq(lambda x: (x @ weight.T).squeeze(1), items)
    assert found.tolist() == pytest.approx([25] * 5)


def test_squared_gradient_of_a_square_grows_with_the_items():
    items = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    # d/dx |x|^2 = 2x.
    assert gradient_norm_sq(lambda x: x.square().sum(1), items).tolist() == pytest.approx([4, 16])


def test_squared_gradient_trains_the_discriminator():
    weight = torch.tensor([2.0, 0.0], requires_grad=True)
    gradient_norm_sq(lambda x: x @ weight, torch.randn(4, 2)).mean().backward()
    assert torch.allclose(weight.grad, torch.tensor([4.0, 0.0]))


@pytest.mark.parametrize(("side", "cycles"), [(16, 0), (16, 3), (16, 8), (28, 5), (28, 14)])
@pytest.mark.parametrize("along", [2, 3])
def test_a_wave_counts_the_less_the_more_cycles_it_has(side, cycles, along):
    shape = [1, 1, 1, 1]
    shape[along] = side
    wave = torch.cos(torch.arange(side) * (2 * math.pi * cycles / side)).view(shape)
    gradient = wave.expand(2, 3, side, side)
    part = 1 / (1 + (cycles / 4) ** 2)
    assert torch.allclose(SobolevSq(4)(gradient), part * euclidean_sq(gradient), rtol=1e-4)


def test_a_forgiving_penalty_trains_the_discriminator_less_where_it_is_fine():
    weight = torch.zeros(2, 8, 8)
    weight[0, :, :] = 1.0  # flat
    weight[1, :, ::2] = 2.0  # as strong: half flat, half a wave of 4 cycles
    gradients = {}
    for name, norm_sq in (("plain", euclidean_sq), ("sobolev", SobolevSq(4))):
        for kind in (0, 1):
            linear = weight[kind].clone().requires_grad_()
            items = torch.randn(3, 1, 8, 8)
            norms = gradient_norm_sq(lambda x, w=linear: (x * w).sum((1, 2, 3)), items, norm_sq)
            norms.mean().backward()
            gradients[name, kind] = linear.grad.norm().item()
    assert gradients["sobolev", 0] == pytest.approx(gradients["plain", 0], rel=1e-5)
    assert gradients["sobolev", 1] < 0.9 * gradients["plain", 1]


def test_interpolated_gradient_is_zero_at_slope_one_and_finite_at_slope_zero():
    real, fake, shard = torch.randn(6, 3), torch.randn(6, 3), whole(6)
    one = gradient_penalty(lambda x: x[:, 0], real, fake, shard)
    assert one.item() == pytest.approx(0, abs=1e-6)
    two = gradient_penalty(lambda x: 3 * x[:, 0], real, fake, shard)
    assert two.item() == pytest.approx(4, rel=1e-4)
    weight = torch.zeros(3, requires_grad=True)
    gradient_penalty(lambda x: x @ weight, real, fake, shard).backward()
    assert bool(weight.grad.isfinite().all())


def test_interpolated_gradient_looks_between_the_two():
    # The slope is 1 only strictly between -1 and 1, and 0 at both ends.
    real, fake = torch.full((64, 1), -1.0), torch.full((64, 1), 1.0)
    between = gradient_penalty(
        lambda x: x.clamp(-0.999, 0.999).sum(1), real, fake, whole(64, 1)
    )
    assert between.item() < 0.1


def test_noise_slope_is_the_squared_gradient_on_average():
    weight = torch.tensor([2.0, -1.0, 0.0])
    slope = noise_penalty(lambda x: x @ weight, torch.zeros(20_000, 3), whole(20_000))
    assert slope.item() == pytest.approx(5.0, rel=0.05)
    flat = noise_penalty(lambda x: x[:, 0] * 0 + 3, torch.zeros(4, 3), whole(4))
    assert flat.item() == 0
