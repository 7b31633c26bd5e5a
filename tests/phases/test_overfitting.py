"""How strongly items are augmented follows how far the discriminator overfits."""

import pytest
import torch
from helpers import step_context, whole

from gancli.layers.discriminator import DiscriminatorOutput
from gancli.losses.adversarial import objective
from gancli.phases.adversarial import AdversarialPhase
from gancli.phases.base import Batch, Networks
from gancli.phases.overfitting import AUGMENTATION, AugmentationStrength

STEP = 16 * 8 / 50_000  # a batch of 16 at each eighth step


def looked(times, train, held_out, generated, strength=0.0):
    module = AugmentationStrength()
    module.strength.fill_(strength)
    for _ in range(times):
        logits = (torch.full((16,), float(each)) for each in (train, held_out, generated))
        module.look(*logits, whole(16))
    return float(module.strength)


@pytest.mark.parametrize(
    ("held_out", "expected"),
    [(2.0, 0.0), (1.1, 0.0), (0.9, 10 * STEP), (0.0, 10 * STEP), (-3.0, 10 * STEP)],
)
def test_it_grows_when_held_out_items_are_nearer_to_generated_ones(held_out, expected):
    assert looked(10, 2.0, held_out, 0.0) == pytest.approx(expected)


def test_it_falls_again_and_stays_a_probability():
    assert looked(10, 2.0, 2.0, 0.0, strength=0.5) == pytest.approx(0.5 - 10 * STEP)
    assert looked(10, 2.0, 2.0, 0.0, strength=STEP) == 0
    assert looked(10, 2.0, 0.0, 0.0, strength=0.799) == pytest.approx(0.8)


def test_a_shift_of_all_logits_changes_nothing():
    assert looked(5, 102.0, 101.2, 100.0) == looked(5, 2.0, 1.2, 0.0) == 0


def test_items_are_augmented_with_that_probability():
    module, items = AugmentationStrength(), torch.zeros(4000, 2, 3)
    shard = whole(4000)

    def augment(x, shard):
        return x + 1

    assert module(items, augment, shard) is items
    module.strength.fill_(0.3)
    some = module(items, augment, shard)
    each = some.flatten(1)
    assert (each == each[:, :1]).all()  # an item is augmented as a whole
    assert each[:, 0].mean().item() == pytest.approx(0.3, abs=0.03)
    module.strength.fill_(1.0)
    assert torch.equal(module(items, augment, shard), items + 1)


def test_a_checkpoint_holds_all_of_it():
    module, other = AugmentationStrength(), AugmentationStrength()
    for _ in range(3):
        module.look(torch.ones(4), torch.zeros(4), torch.zeros(4), whole(4))
    other.load_state_dict(module.state_dict())
    for each in (module, other):
        each.look(torch.ones(4), torch.ones(4), torch.zeros(4), whole(4))
    assert torch.equal(module.strength, other.strength)
    assert torch.equal(module.logits, other.logits)
    assert not list(module.parameters())


class Memory(torch.nn.Module):
    """A discriminator for which items that are not those it has seen are generated ones."""

    mixes_items = False

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, x, labels=None):
        known = (x == 1).float().mean(1)
        return DiscriminatorOutput(self.scale * known + 1e-6 * x.mean(1), x)


@pytest.mark.parametrize(("held_out", "grows"), [(2.0, True), (1.0, False)])
def test_a_phase_looks_at_held_out_items_at_every_eighth_step(held_out, grows):
    strength = AugmentationStrength()
    nets = Networks(torch.nn.Linear(4, 6), Memory(), {AUGMENTATION: strength})
    nets.generator.forward = lambda z, labels=None: torch.nn.functional.linear(
        z, nets.generator.weight
    )
    phase = AdversarialPhase(
        objective=objective("relativistic"), latent=4,
        prepare=lambda batch, shard: batch.arrays["x"], augment=lambda x, shard: x,
        augment_more=lambda x, shard: x, joint=True, d_steps=1, g_lr=1e-3, d_lr=1e-3, beta1=0.0,
        beta2=0.99, lr_end=1.0, batch_size=16, fraction=1.0,
    )
    batch, others = (Batch({"x": torch.full((16, 6), each)}, None) for each in (1.0, held_out))
    optimizers, seen = phase.optimizers(nets), []
    for step in range(17):
        phase.step(step_context(nets, optimizers, batch, step, step, others))
        seen.append(float(strength.strength))
    expected = [STEP * (step // 8 + 1) if grows else 0.0 for step in range(17)]
    assert seen == pytest.approx(expected)
