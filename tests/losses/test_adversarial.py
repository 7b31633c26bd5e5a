"""Every objective against values worked out by hand, and the two players' directions."""

import math

import pytest
import torch

from gancli.losses.adversarial import objective
from gancli.losses.names import OBJECTIVES

LOG = math.log1p

# Real logit 1, generated logit -2: (discriminator's loss, generator's loss).
BY_HAND = {
    "relativistic": (LOG(math.exp(-3)), LOG(math.exp(3))),
    "bce": (LOG(math.exp(-1)) + LOG(math.exp(-2)), LOG(math.exp(2))),
    "least-squares": (4 / 2, 9 / 2),
    "hinge": (0.0, 2.0),
    "wasserstein": (-3.0, 2.0),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_values(name):
    real, fake = torch.tensor([1.0]), torch.tensor([-2.0])
    wanted = BY_HAND[name]
    assert objective(name).discriminator(real, fake).item() == pytest.approx(wanted[0], rel=1e-5)
    assert objective(name).generator(real, fake).item() == pytest.approx(wanted[1], rel=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_generator_wants_generated_logits_up_and_the_discriminator_down(name):
    real, fake = torch.tensor([0.5]), torch.tensor([0.3], requires_grad=True)
    (up,) = torch.autograd.grad(objective(name).generator(real, fake).sum(), fake)
    (down,) = torch.autograd.grad(objective(name).discriminator(real, fake).sum(), fake)
    assert up.item() < 0 < down.item()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_sloped_loss_has_a_slope_everywhere(name):
    chosen = objective(name)
    fake = torch.linspace(-8, 8, 33, requires_grad=True)
    (slope,) = torch.autograd.grad(chosen.discriminator(torch.zeros(33), fake).sum(), fake)
    assert bool((slope.abs() > 0).all()) == chosen.sloped
