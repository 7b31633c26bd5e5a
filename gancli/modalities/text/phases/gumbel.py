"""Adversarial fine-tuning through Gumbel-softmax: the discriminator reads soft tokens."""

from dataclasses import dataclass

import torch

from gancli.losses.adversarial import objective
from gancli.losses.gumbel_softmax import straight_through
from gancli.modalities.text.autoregression import unroll
from gancli.modalities.text.networks import Generator, token_mask
from gancli.modalities.text.phases.base import FineTuning, text_networks
from gancli.modalities.text.phases.likelihood import likelihood_loss
from gancli.modalities.text.phases.texts import real_texts, without_unknown
from gancli.phases.base import Losses, StepContext, frozen, update
from gancli.runtime.shard import Shard


@dataclass(frozen=True, kw_only=True)
class GumbelPhase(FineTuning):
    """Relativistic loss on Gumbel-softmax samples, after Nie et al. 2019 (RelGAN)."""

    name: str = "adversarial"

    def step(self, context: StepContext) -> Losses:
        config, relativistic = self.config, objective("relativistic")
        generator, discriminator = text_networks(context.networks)
        all_real = real_texts(context.batch(0), self.spec)
        real = without_unknown(all_real)
        shard = context.shard(len(real))
        real = real[shard.rows]
        soft, tokens = self._soft_texts(generator, real.labels, shard)
        mask = token_mask(tokens, generator.stream)

        def logits_of(embedded: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
            return discriminator.forward_embedded(embedded, where, real.labels, shard).logits

        with frozen(discriminator):
            with torch.no_grad():
                real_logits = logits_of(discriminator.embedding(real.tokens), real.mask)
            fake_logits = logits_of(soft @ discriminator.embedding.weight, mask)
            loss = shard.mean(relativistic.generator(real_logits, fake_logits))
            if config.likelihood:
                loss = loss + config.likelihood * likelihood_loss(
                    generator, all_real, self.spec.length, context.shard(len(all_real))
                )[0]
            g_loss = update(context.optimizers["generator"], loss, config.clip)
        loss = shard.mean(relativistic.discriminator(
            logits_of(discriminator.embedding(real.tokens), real.mask),
            logits_of(discriminator.embedding(tokens), mask),
        ))
        d_loss = update(context.optimizers["discriminator"], loss, config.clip)
        margin = shard.mean((real_logits - fake_logits).detach())
        return {"g_loss": g_loss, "d_loss": d_loss, "margin": margin}

    def _soft_texts(
        self, generator: Generator, labels: torch.Tensor | None, shard: Shard
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return one-hot texts with a slope (n, steps, size), and their ids (n, steps)."""
        one_hots = []

        def choose(step: int, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            one_hot = straight_through(logits, self.config.gumbel_temperature, shard)
            one_hots.append(one_hot)
            return one_hot.argmax(1), one_hot @ generator.embedding.weight

        unroll(generator, shard.count, self.spec.length, labels, choose)
        steps = torch.tensor(len(one_hots))
        for _ in range(int(shard.ranks.maximum(steps)) - len(one_hots)):
            shard.uniform(self.spec.size)  # those of the steps that other processes' texts take
        soft = torch.stack(one_hots, 1)
        ids = soft.argmax(2)
        return soft, ids * token_mask(ids, generator.stream)
