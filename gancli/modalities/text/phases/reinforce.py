"""Adversarial fine-tuning by the score function: tokens are drawn, and rewarded each."""

from dataclasses import dataclass

import torch

from gancli.losses.reinforce import advantages, rewards_to_go
from gancli.modalities.text.networks import Discriminator, Generator
from gancli.modalities.text.phases.base import FineTuning, text_networks
from gancli.modalities.text.phases.likelihood import likelihood_loss
from gancli.modalities.text.phases.texts import (
    Texts,
    discriminator_loss,
    drawn_texts,
    real_texts,
    without_unknown,
)
from gancli.phases.base import Losses, Networks, StepContext, update

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

    def begin(self, networks: Networks) -> None:
        networks.extra["reference"].load_state_dict(networks.generator.state_dict())

    def step(self, context: StepContext) -> Losses:
        config, precision = self.config, context.precision
        generator, discriminator = text_networks(context.networks)
        reference = context.networks.extra["reference"]
        assert isinstance(reference, Generator)
        all_real = real_texts(context.batch(0), self.spec)
        real = without_unknown(all_real)
        shard = context.shard(len(real))
        real = real[shard.rows]
        labels = None if real.labels is None else real.labels.repeat(_DRAWN)
        fake = drawn_texts(generator, labels, self.spec, shard.times(_DRAWN))
        mask, ranks = fake.mask, shard.ranks
        tokens = ranks.sum(mask.sum())  # of all processes
        with precision.autocast():
            log_p = generator.log_likelihoods(fake.tokens, mask, fake.labels, drawn=True)
        with torch.no_grad(), precision.autocast():
            reference_log_p = reference.log_likelihoods(fake.tokens, mask, fake.labels, drawn=True)
            likeness = self._rewards(discriminator, fake)
            rewards = torch.zeros_like(likeness)
            rewards[mask] = (
                likeness[mask] - config.kl * (log_p - reference_log_p) - config.entropy * log_p
            )
            gains = advantages(
                rewards_to_go(rewards, config.discount), mask, _MAX_ADVANTAGE, ranks
            )
        loss = -((gains[mask] * log_p).sum() / tokens)
        if config.likelihood:
            with precision.autocast():
                likelihood, _ = likelihood_loss(
                    generator, all_real, self.spec.length, context.shard(len(all_real))
                )
            loss = loss + config.likelihood * likelihood
        losses = {
            "g_loss": update(context.optimizers["generator"], loss, config.clip),
            "reward": likeness[mask].sum() / tokens,
            "kl": (log_p.detach() - reference_log_p).sum() / tokens,
        }
        with precision.autocast():
            loss, losses["accuracy"] = discriminator_loss(
                discriminator, real, fake[: len(real)], shard, 0.5, self.spec.length
            )
        losses["d_loss"] = update(context.optimizers["discriminator"], loss, config.clip)
        return losses

    def _rewards(self, discriminator: Discriminator, fake: Texts) -> torch.Tensor:
        """Return what the discriminator gives for each token, in (-1, 1), shape (n, steps)."""
        output = discriminator.forward_embedded(
            discriminator.embedding(fake.tokens), fake.mask, fake.labels
        )
        if self.config.d_direction == "both":  # it has read the end: no reward for a token
            return _last(fake) * (2 * output.logits.sigmoid() - 1)[:, None]
        return (2 * output.token_logits.sigmoid() - 1) * fake.mask


def _last(texts: Texts) -> torch.Tensor:
    """Return where each text's last token is, bool, shape (n, steps)."""
    places = torch.arange(texts.mask.shape[1], device=texts.mask.device)
    is_last: torch.Tensor = places == (texts.mask.sum(1, keepdim=True) - 1)
    return is_last
