"""The generator moves towards what the discriminator likes, by either estimator."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from helpers import step_context

from gancli.modalities.text.networks import Discriminator, TextOutput
from gancli.modalities.text.training import phases
from gancli.phases.base import Batch, Networks

LIKED = 3


class Taste(Discriminator):
    """Likes one token and no other."""

    def __init__(self, *args):
        super().__init__(*args)
        with torch.no_grad():
            self.embedding.weight.zero_()
            self.embedding.weight[LIKED, 0] = 1

    def forward_embedded(self, embedded, mask, labels, shard=None):
        token_logits = 6 * embedded[..., 0] - 3
        logits = (token_logits * mask).sum(1) / mask.sum(1)
        return TextOutput(logits, embedded.mean(1), token_logits)


def trained(spec_of, networks_of, steps, **options):
    """Return how likely the token is on average before and after, and the last losses."""
    spec = spec_of(length=6)
    networks, config = networks_of(
        spec, batch=32, warm_start=0.4, adversarial=0.4, likelihood=0.0, g_lr=5e-3, d_lr=0.0,
        g_dropout=0.0, **{"estimator": "score", **options},
    )
    reference = networks_of(spec)[0].generator
    networks = Networks(networks.generator, Taste(spec, config), {"reference": reference})
    networks.generator.train().requires_grad_(True)
    phase = phases(spec, config, None)[2]
    assert phase.name == "adversarial"
    phase.begin(networks)
    tokens = torch.randint(2, spec.size, (32, 6), generator=torch.Generator().manual_seed(1))

    def likelihood():
        with torch.no_grad():
            logits = networks.generator.logits(tokens, None, drawn=True)
        return float(logits.softmax(2)[..., LIKED].mean())

    optimizers, before, losses = phase.optimizers(networks), likelihood(), {}
    for step in range(steps):
        losses = phase.step(
            step_context(networks, optimizers, Batch({"tokens": tokens}, None), step, step)
        )
    return before, likelihood(), losses


@pytest.mark.parametrize("direction", ["forward", "both"])
@pytest.mark.parametrize("estimator", ["score", "gumbel"])
def test_what_is_liked_grows_likelier(spec_of, networks_of, estimator, direction):
    before, after, _ = trained(
        spec_of, networks_of, 40, estimator=estimator, d_direction=direction, kl=0.0
    )
    assert after > before + 0.2


def test_the_divergence_holds_the_generator_back(spec_of, networks_of):
    _, free, far = trained(spec_of, networks_of, 40, kl=0.0)
    _, held, near = trained(spec_of, networks_of, 40, kl=5.0)
    assert held < free - 0.1 and near["kl"] < far["kl"] / 2


def test_what_a_phase_is_called_decides_nothing(spec_of, networks_of):
    spec = spec_of(length=6)
    networks, config = networks_of(spec, batch=8)
    refit = phases(spec, config, None)[-1]
    tokens = torch.randint(2, spec.size, (8, 6), generator=torch.Generator().manual_seed(1))
    losses = []
    for phase in (refit, replace(refit, name="other"), replace(refit, text_weight=0.1)):
        own = deepcopy(networks)
        own.discriminator.requires_grad_(True)
        losses.append(phase.step(
            step_context(own, phase.optimizers(own), Batch({"tokens": tokens}, None))
        )["d_loss"])
    assert losses[0] == losses[1] != losses[2]
