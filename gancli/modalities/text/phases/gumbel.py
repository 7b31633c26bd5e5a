"""Adversarial fine-tuning through Gumbel-softmax: the discriminator reads soft tokens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from gancli.losses.adversarial import objective
from gancli.losses.gumbel_softmax import straight_through
from gancli.modalities.text.networks import Discriminator, Generator, seen_mask
from gancli.modalities.text.phases.base import FineTuning
from gancli.modalities.text.phases.likelihood import likelihood_loss
from gancli.modalities.text.phases.texts import possible, real_texts
from gancli.phases.base import Batch, update
from gancli.runtime.precision import Compute


@dataclass(frozen=True, kw_only=True)
class GumbelPhase(FineTuning):
    """Relativistic loss on Gumbel-softmax samples, after Nie et al. 2019 (RelGAN)."""

    name: str = "adversarial"

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
        assert isinstance(maker, Generator) and isinstance(judge, Discriminator)
        config, loss_of = self.config, objective("relativistic")
        everything = real_texts(draw(0), self.spec)
        real = possible(everything)
        soft, tokens = self._draw(maker, real.labels, len(real.tokens), generator, compute)
        seen = seen_mask(tokens, maker.stream)

        def judged(embedded: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
            return judge.judge(embedded, where, real.labels, generator)[1]

        judge.requires_grad_(False)
        with torch.no_grad():
            real_logits = judged(judge.embedding(real.tokens), real.seen)
        fake_logits = judged(soft @ judge.embedding.weight, seen)
        loss = loss_of.generator(real_logits, fake_logits).mean()
        if config.likelihood:
            loss = loss + config.likelihood * likelihood_loss(
                maker, everything, self.spec.length, generator
            )[0]
        losses = {"g_loss": update(optimizers["generator"], loss, config.clip)}
        judge.requires_grad_(True)
        d_loss = loss_of.discriminator(
            judged(judge.embedding(real.tokens), real.seen),
            judged(judge.embedding(tokens), seen),
        ).mean()
        losses["d_loss"] = update(optimizers["discriminator"], d_loss, config.clip)
        losses["margin"] = (real_logits - fake_logits).mean().item()
        return losses

    def _draw(
        self, maker: Generator, labels: torch.Tensor | None, count: int,
        random: torch.Generator, compute: Compute,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return one-hot texts with a slope (n, steps, size), and their ids (n, steps)."""
        first = maker.first(count, labels)
        told = first if labels is not None else torch.zeros_like(first)
        given, state = first + told, None
        hots, ids = [], []
        running = torch.ones(count, dtype=torch.bool, device=compute.device)
        for _ in range(self.spec.length):
            hidden, state = maker.cell(given, state)
            logits = maker.outputs(hidden[:, 0], drawn=True).float()
            hot = straight_through(logits, self.config.gumbel_temperature, random)
            token = hot.argmax(1) * running
            hots.append(hot)
            ids.append(token)
            running = running & (token != 0) if not maker.stream else running
            if not running.any():
                break
            given = (hot @ maker.embedding.weight)[:, None] + told
        return torch.stack(hots, 1), torch.stack(ids, 1)
