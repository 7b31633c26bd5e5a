"""One pass for both networks gives the gradients of two."""

import pytest
import torch
from helpers import step_context, whole
from torch import nn

from gancli.layers.discriminator import DiscriminatorOutput
from gancli.losses.adversarial import objective
from gancli.losses.names import OBJECTIVES
from gancli.phases.adversarial import AdversarialPhase
from gancli.phases.adversarial_step import AdversarialStep
from gancli.phases.base import Batch, Networks, NotFinite, update


class Generator(nn.Linear):
    def forward(self, z, labels=None):
        return super().forward(z).tanh()


class Discriminator(nn.Module):
    mixes_items = False

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))

    def forward(self, x, labels=None):
        features = self.body[:-1](x)
        return DiscriminatorOutput(self.body[-1](features).squeeze(1), features)


def networks():
    torch.manual_seed(3)
    return Networks(Generator(4, 6), Discriminator())


def phase(name, **changes):
    settings = dict(
        objective=objective(name), latent=4, prepare=lambda batch, shard: batch.arrays["x"],
        augment=lambda x, shard: x, joint=True, r1=0.0, r2=0.0, gp=0.0, penalty_every=8,
        penalty_fraction=1.0,
        d_steps=1, g_lr=1e-3, d_lr=1e-3, beta1=0.0, beta2=0.99, lr_end=1.0, batch_size=16,
        fraction=1.0,
    )
    return AdversarialPhase(**{**settings, **changes})


def context(nets, optimizers, seed=0, step=0):
    return step_context(nets, optimizers, Batch({"x": torch.randn(16, 6)}, None), seed, step)


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if objective(name).sloped])
def test_joint_gradients_are_those_of_each_loss_alone(name):
    real = torch.randn(16, 6)
    z = torch.randn((16, 4), generator=torch.Generator().manual_seed(9))
    nets, chosen = networks(), phase(name)
    r, f = (nets.discriminator(x).logits for x in (real, nets.generator(z)))
    g_wanted = torch.autograd.grad(
        chosen.objective.generator(r, f).mean(), list(nets.generator.parameters()),
        retain_graph=True,
    )
    d_wanted = torch.autograd.grad(
        chosen.objective.discriminator(r, f).mean(), list(nets.discriminator.parameters())
    )
    named = nets.named()
    optimizers = {key: torch.optim.SGD(net.parameters(), 1.0) for key, net in named.items()}
    before = {key: [p.detach().clone() for p in net.parameters()] for key, net in named.items()}
    step = AdversarialStep(chosen, context(nets, optimizers), whole(16, 9))
    step.joint_update(real, step.generate(None), None)
    for key, wanted in (("generator", g_wanted), ("discriminator", d_wanted)):
        for old, new, gradient in zip(before[key], named[key].parameters(), wanted, strict=True):
            assert torch.allclose(old - new, gradient, atol=1e-6), key


def test_alternating_meets_the_updated_discriminator():
    nets, chosen = networks(), phase("bce", joint=False)
    optimizers = {key: torch.optim.SGD(net.parameters(), 0.5) for key, net in nets.named().items()}
    losses = chosen.step(context(nets, optimizers))
    assert set(losses) == {"d_loss", "g_loss", "margin"}
    assert all(p.requires_grad for net in nets.named().values() for p in net.parameters())


@pytest.mark.parametrize(("step", "expected"), [(0, True), (1, False), (8, True)])
def test_lazy_penalty_comes_every_so_many_steps(step, expected):
    nets, chosen = networks(), phase("relativistic", r1=1.0, r2=1.0)
    losses = chosen.step(context(nets, chosen.optimizers(nets), step=step))
    assert ("penalty" in losses) == expected


def test_penalty_of_every_step_is_part_of_the_loss():
    seen = []
    nets, chosen = networks(), phase("wasserstein", gp=10.0, penalty_every=1, joint=False)
    optimizers = chosen.optimizers(nets)
    step = optimizers["discriminator"].step
    optimizers["discriminator"].step = lambda *a, **k: (seen.append(1), step(*a, **k))
    losses = chosen.step(context(nets, optimizers, step=3))
    assert "penalty" in losses and len(seen) == 1


def test_a_loss_that_is_not_finite_changes_nothing():
    nets = networks()
    optimizer = torch.optim.Adam(nets.generator.parameters())
    before = [p.detach().clone() for p in nets.generator.parameters()]
    loss = nets.generator(torch.ones(2, 4)).sum() * float("nan")
    with pytest.raises(NotFinite):
        update(optimizer, loss)
    assert all(torch.equal(a, b) for a, b in
               zip(before, nets.generator.parameters(), strict=True))


@pytest.mark.parametrize(("penalties", "together", "alone"), [
    ({}, [32], [16, 16, 16]),
    ({"r1": 1.0, "r2": 1.0}, [32, 32], [16, 16, 16, 16, 16]),
    ({"noise_penalty": 1.0}, [32, 32, 32], [16, 16, 16, 16, 16, 16, 16]),
])
def test_a_discriminator_that_mixes_items_sees_each_kind_alone_and_no_joint_update(
    penalties, together, alone
):
    for mixes_items, wanted in ((False, together), (True, alone)):
        nets, chosen, sizes = networks(), phase("bce", **penalties), []
        nets.discriminator.mixes_items = mixes_items
        hook = nets.discriminator.register_forward_pre_hook
        hook(lambda _, args, sizes=sizes: sizes.append(len(args[0])))
        chosen.step(context(nets, chosen.optimizers(nets)))
        assert sizes == wanted


class Classes(Discriminator):
    def __init__(self):
        super().__init__()
        self.projection = nn.Embedding(3, 8)

    def forward(self, x, labels=None):
        output = super().forward(x)
        logits = output.logits + (output.features * self.projection(labels)).sum(1)
        return DiscriminatorOutput(logits, output.features)


def test_each_network_learns_to_tell_classes_from_its_own_items_alone():
    torch.manual_seed(3)
    nets = Networks(Generator(4, 6), Classes())
    real, labels = torch.randn(16, 6), torch.arange(16) % 3
    z = torch.randn((16, 4), generator=torch.Generator().manual_seed(9))
    chosen, named = phase("relativistic", class_weight=0.7), nets.named()
    fake = nets.generator(z)
    r, f = (nets.discriminator(x, labels) for x in (real, fake))

    def class_loss(output):
        logits = output.features @ nets.discriminator.projection.weight.T
        return nn.functional.cross_entropy(logits, labels)

    wanted = {
        name: torch.autograd.grad(
            loss(r.logits, f.logits).mean() + 0.7 * class_loss(output),
            list(named[name].parameters()), retain_graph=True,
        )
        for name, loss, output in (
            ("generator", chosen.objective.generator, f),
            ("discriminator", chosen.objective.discriminator, r),
        )
    }
    before = {key: [p.detach().clone() for p in net.parameters()] for key, net in named.items()}
    optimizers = {key: torch.optim.SGD(net.parameters(), 1.0) for key, net in named.items()}
    step = AdversarialStep(chosen, context(nets, optimizers), whole(16, 9))
    losses = step.joint_update(real, step.generate(labels), labels)
    assert losses["class_loss"] > 0
    for key, gradients in wanted.items():
        for old, new, gradient in zip(before[key], named[key].parameters(), gradients, strict=True):
            assert torch.allclose(old - new, gradient, atol=1e-6), key


@pytest.mark.parametrize(("r1", "r2"), [(2.0, 0.0), (0.0, 4.0), (2.0, 4.0)])
def test_penalties_are_of_the_norm_that_was_asked_for(r1, r2):
    chosen = phase("wasserstein", r1=r1, r2=r2, norm_sq=lambda gradient: 5 + 0 * gradient.sum(1))
    part = AdversarialStep(chosen, context(networks(), {}), whole(16))
    penalty = part.gradient_penalties(torch.randn(16, 6), torch.randn(16, 6), None)
    assert penalty.item() == pytest.approx((r1 + r2) / 2 * 5)
