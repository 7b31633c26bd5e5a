"""Adversarial fine-tuning by the score function: tokens are drawn, and rewarded each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from gancli.losses.reinforce import advantages, rewards_to_go
from gancli.modalities.text.networks import Discriminator, Generator
from gancli.modalities.text.phases.base import FineTuning
from gancli.modalities.text.phases.likelihood import likelihood_loss
from gancli.modalities.text.phases.texts import (
    Texts,
    discriminator_loss,
    drawn_texts,
    possible,
    real_texts,
)
from gancli.phases.base import Batch, update
from gancli.runtime.precision import Compute

_DRAWN = 2  # drawn texts for each real one: rewards are noisy, and the vocabulary makes it slow
_MAX_ADVANTAGE = 2.0


@dataclass(frozen=True, kw_only=True)
class ReinforcePhase(FineTuning):
    """REINFORCE with a reward at each token.

    After d'Autume et al. 2019 (ScratchGAN, arXiv 1905.09922): dense rewards, discounted returns,
    a baseline. The baseline is the mean of the other texts at the same step. A token's reward is
    what the discriminator says of it, less its log-probability over that of the generator that
    the phase began with (a divergence that only needs the tokens that were drawn), plus how
    unlikely it was (entropy). The likelihood loss stays beside it.
    """

    name: str = "adversarial"

    def begin(self, networks: Mapping[str, nn.Module]) -> None:
        networks["reference"].load_state_dict(networks["generator"].state_dict())

    def step(
        self,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        draw: Callable[[int], Batch],
        generator: torch.Generator,
        step: int,
        compute: Compute,
    ) -> dict[str, float]:
        maker, judge = networks["generator"], networks["discriminator"]
        reference = networks["reference"]
        assert isinstance(maker, Generator) and isinstance(judge, Discriminator)
        assert isinstance(reference, Generator)
        config = self.config
        everything = real_texts(draw(0), self.spec)
        real = possible(everything)
        labels = None if real.labels is None else real.labels.repeat(_DRAWN)
        fake = drawn_texts(
            maker, labels, _DRAWN * len(real.tokens), self.spec, generator, compute.device
        )
        seen = fake.seen
        with compute.autocast():
            chosen = maker.log_likelihoods(fake.tokens, seen, fake.labels, drawn=True)
        with torch.no_grad(), compute.autocast():
            before = reference.log_likelihoods(fake.tokens, seen, fake.labels, drawn=True)
            judged = self._rewards(judge, fake)
            rewards = torch.zeros_like(judged)
            rewards[seen] = (
                judged[seen] - config.kl * (chosen - before) - config.entropy * chosen
            )
            gain = advantages(rewards_to_go(rewards, config.discount), seen, _MAX_ADVANTAGE)
        loss = -(gain[seen] * chosen).mean()
        if config.likelihood:
            with compute.autocast():
                beside, _ = likelihood_loss(maker, everything, self.spec.length, generator)
            loss = loss + config.likelihood * beside
        losses = {
            "g_loss": update(optimizers["generator"], loss, config.clip),
            "reward": judged[seen].mean().item(),
            "kl": (chosen.detach() - before).mean().item(),
        }
        some = slice(0, len(real.tokens))
        with compute.autocast():
            d_loss, losses["accuracy"] = discriminator_loss(
                judge, real, Texts(fake.tokens[some], seen[some], real.labels), generator, 0.5,
                self.spec.length,
            )
        losses["d_loss"] = update(optimizers["discriminator"], d_loss, config.clip)
        return losses

    def _rewards(self, judge: Discriminator, fake: Texts) -> torch.Tensor:
        """Return what the discriminator gives for each token, in (-1, 1), shape (n, steps)."""
        each, whole = judge.judge(judge.embedding(fake.tokens), fake.seen, fake.labels)
        if self.config.d_direction == "both":  # it has read the end: no reward for a token
            return _last(fake) * (2 * whole.sigmoid() - 1)[:, None]
        return (2 * each.sigmoid() - 1) * fake.seen


def _last(texts: Texts) -> torch.Tensor:
    """Return where each text's last token is, bool, shape (n, steps)."""
    places = torch.arange(texts.seen.shape[1], device=texts.seen.device)
    found: torch.Tensor = places == (texts.seen.sum(1, keepdim=True) - 1)
    return found
