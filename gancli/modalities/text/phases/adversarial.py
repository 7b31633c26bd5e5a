"""Adversarial fine-tuning by the score function: tokens are drawn, and rewarded each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Adam, Optimizer

from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.networks import Discriminator, Generator
from gancli.modalities.text.phases.likelihood import negative_log_likelihood
from gancli.modalities.text.phases.tokens import (
    Texts,
    discriminator_loss,
    drawn_texts,
    real_texts,
)
from gancli.modalities.text.spec import TextSpec
from gancli.objectives.score_function import advantages, rewards_to_go
from gancli.phases.base import Batch, update
from gancli.phases.compute import Compute
from gancli.phases.schedule import cosine

_DRAWN = 4  # drawn texts for each real one of the likelihood loss: rewards are noisy
_MOST_ADVANTAGE = 2.0


@dataclass(frozen=True, kw_only=True)
class ScorePhase:
    """REINFORCE with a reward at each token.

    After d'Autume et al. 2019 (ScratchGAN, arXiv 1905.09922): dense rewards, discounted returns,
    a baseline. The baseline is the mean of the other texts at the same step. Beside it stay the
    likelihood loss and a divergence from the generator that the phase began with.
    """

    spec: TextSpec
    config: TextConfig
    share: float
    name: str = "adversarial"
    trains_generator: bool = True

    @property
    def batch(self) -> int:
        return self.config.batch

    def begin(self, networks: Mapping[str, nn.Module]) -> None:
        networks["reference"].load_state_dict(networks["generator"].state_dict())

    def optimisers(self, networks: Mapping[str, nn.Module]) -> dict[str, Optimizer]:
        rates = {"generator": self.config.g_lr, "discriminator": self.config.d_lr / 4}
        return {
            name: Adam(networks[name].parameters(), rate, (0.9, 0.99), fused=True)
            for name, rate in rates.items()
        }

    def rate(self, progress: float) -> float:
        return 0.1 + 0.9 * cosine(progress)

    def step(
        self,
        networks: Mapping[str, nn.Module],
        optimisers: Mapping[str, Optimizer],
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
        real = real_texts(draw(0), self.spec)
        labels = None if real.labels is None else real.labels.repeat(_DRAWN)
        fake = drawn_texts(
            maker, labels, _DRAWN * len(real.tokens), self.spec, generator, compute.device
        )
        losses: dict[str, float] = {}
        with torch.no_grad():
            each, whole = judge.judge(judge.embedding(fake.tokens), fake.seen, fake.labels)
            if self.config.d_direction == "both":  # it has read the end: no reward for a token
                each = torch.where(_last(fake), whole[:, None], torch.zeros_like(each))
            reward = (2 * each.sigmoid() - 1) * fake.seen
            gain = advantages(
                rewards_to_go(reward, config.discount), fake.seen, _MOST_ADVANTAGE
            )
            before = reference.allowed(reference.logits(fake.tokens, fake.labels)).log_softmax(2)
        now = maker.allowed(maker.logits(fake.tokens, fake.labels).float()).log_softmax(2)
        chosen = now.gather(2, fake.tokens[..., None])[..., 0]
        count = fake.seen.sum()
        loss = -(gain * chosen * fake.seen).sum() / count
        possible = now > -torch.inf
        share = now.exp()
        gap = torch.where(possible, now - before, torch.zeros_like(now))
        divergence = ((share * gap).sum(2) * fake.seen).sum() / count
        loss = loss + config.kl * divergence
        if config.entropy:
            surprise = torch.where(possible, -now, torch.zeros_like(now))
            loss = loss - config.entropy * ((share * surprise).sum(2) * fake.seen).sum() / count
        if config.likelihood:
            loss = loss + config.likelihood * negative_log_likelihood(maker, real, generator)
        losses["g_loss"] = update(optimisers["generator"], loss, config.clip)
        losses["reward"] = float(reward.sum() / count)
        losses["kl"] = divergence.item()
        kept = slice(0, len(real.tokens))
        some = Texts(fake.tokens[kept], fake.seen[kept], real.labels)
        d_loss, right = discriminator_loss(judge, real, some, generator, 0.5)
        losses["d_loss"] = update(optimisers["discriminator"], d_loss, config.clip)
        losses["accuracy"] = right
        return losses


def _last(texts: Texts) -> torch.Tensor:
    """Return where each text's last token is, bool, shape (n, steps)."""
    places = torch.arange(texts.seen.shape[1], device=texts.seen.device)
    found: torch.Tensor = places == (texts.seen.sum(1, keepdim=True) - 1)
    return found
