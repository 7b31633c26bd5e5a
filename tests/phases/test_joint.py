"""One pass for both networks gives the gradients of two."""

import pytest
import torch
from torch import nn

from gancli.losses.adversarial import objective
from gancli.losses.names import OBJECTIVES
from gancli.phases.adversarial import AdversarialPhase
from gancli.phases.adversarial_step import AdversarialStep
from gancli.phases.base import NotFinite, update
from gancli.runtime.precision import Compute


class Generator(nn.Linear):
    def forward(self, z, labels=None):
        return super().forward(z).tanh()


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))

    def forward(self, x, labels=None):
        return self.body(x).squeeze(1)


def networks():
    torch.manual_seed(3)
    return {"generator": Generator(4, 6), "discriminator": Discriminator()}


def phase(name, **changes):
    settings = dict(
        objective=objective(name), latent=4, prepare=lambda batch, generator: batch["x"],
        augment=lambda x, generator: x, joint=True, r1=0.0, r2=0.0, gp=0.0, penalty_every=8,
        penalty_share=1.0,
        d_steps=1, g_lr=1e-3, d_lr=1e-3, beta1=0.0, beta2=0.99, lr_end=1.0, batch=16, share=1.0,
    )
    return AdversarialPhase(**{**settings, **changes})


COMPUTE = Compute(torch.device("cpu"), bf16=False)


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if objective(name).sloped])
def test_joint_gradients_are_those_of_each_loss_alone(name):
    real = torch.randn(16, 6)
    z = torch.randn((16, 4), generator=torch.Generator().manual_seed(9))
    nets, chosen = networks(), phase(name)
    r, f = nets["discriminator"](real), nets["discriminator"](nets["generator"](z))
    g_wanted = torch.autograd.grad(
        chosen.objective.generator(r, f).mean(), list(nets["generator"].parameters()),
        retain_graph=True,
    )
    d_wanted = torch.autograd.grad(
        chosen.objective.discriminator(r, f).mean(), list(nets["discriminator"].parameters())
    )
    for network in nets.values():
        network.requires_grad_(True)
    optimizers = {key: torch.optim.SGD(net.parameters(), 1.0) for key, net in nets.items()}
    before = {key: [p.detach().clone() for p in net.parameters()] for key, net in nets.items()}
    turn = AdversarialStep(chosen, nets, optimizers, torch.Generator().manual_seed(9), COMPUTE)
    turn.joint(real, None, {})
    for key, wanted in (("generator", g_wanted), ("discriminator", d_wanted)):
        for old, new, gradient in zip(before[key], nets[key].parameters(), wanted, strict=True):
            assert torch.allclose(old - new, gradient, atol=1e-6), key


def test_alternating_meets_the_updated_discriminator():
    nets, chosen = networks(), phase("bce", joint=False)
    optimizers = {key: torch.optim.SGD(net.parameters(), 0.5) for key, net in nets.items()}
    losses = chosen.step(
        nets, optimizers, lambda k: {"x": torch.randn(16, 6)},
        torch.Generator().manual_seed(0), 0, COMPUTE,
    )
    assert set(losses) == {"d_loss", "g_loss", "margin"}
    assert all(p.requires_grad for net in nets.values() for p in net.parameters())


@pytest.mark.parametrize(("step", "expected"), [(0, True), (1, False), (8, True)])
def test_lazy_penalty_comes_every_so_many_steps(step, expected):
    nets, chosen = networks(), phase("relativistic", r1=1.0, r2=1.0)
    losses = chosen.step(
        nets, chosen.optimizers(nets), lambda k: {"x": torch.randn(16, 6)},
        torch.Generator().manual_seed(0), step, COMPUTE,
    )
    assert ("penalty" in losses) == expected


def test_penalty_of_every_step_is_part_of_the_loss():
    seen = []
    nets, chosen = networks(), phase("wasserstein", gp=10.0, penalty_every=1, joint=False)
    optimizers = chosen.optimizers(nets)
    step = optimizers["discriminator"].step
    optimizers["discriminator"].step = lambda *a, **k: (seen.append(1), step(*a, **k))
    losses = chosen.step(
        nets, optimizers, lambda k: {"x": torch.randn(16, 6)},
        torch.Generator().manual_seed(0), 3, COMPUTE,
    )
    assert "penalty" in losses and len(seen) == 1


def test_a_loss_that_is_not_finite_changes_nothing():
    nets = networks()
    optimizer = torch.optim.Adam(nets["generator"].parameters())
    before = [p.detach().clone() for p in nets["generator"].parameters()]
    loss = nets["generator"](torch.ones(2, 4)).sum() * float("nan")
    with pytest.raises(NotFinite):
        update(optimizer, loss)
    assert all(torch.equal(a, b) for a, b in
               zip(before, nets["generator"].parameters(), strict=True))
