"""Adversarial fine-tuning through Gumbel-softmax: the discriminator reads soft tokens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Adam, Optimizer

from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.networks import Discriminator, Generator, seen_mask
from gancli.modalities.text.phases.likelihood import negative_log_likelihood
from gancli.modalities.text.phases.tokens import real_texts
from gancli.modalities.text.spec import TextSpec
from gancli.objectives.gumbel import straight_through
from gancli.objectives.losses import objective
from gancli.phases.base import Batch, update
from gancli.phases.compute import Compute
from gancli.phases.schedule import cosine


@dataclass(frozen=True, kw_only=True)
class GumbelPhase:
    """Relativistic loss on Gumbel-softmax samples, after Nie et al. 2019 (RelGAN)."""

    spec: TextSpec
    config: TextConfig
    share: float
    name: str = "adversarial"
    trains_generator: bool = True

    @property
    def batch(self) -> int:
        return self.config.batch

    def begin(self, networks: Mapping[str, nn.Module]) -> None: ...

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
        assert isinstance(maker, Generator) and isinstance(judge, Discriminator)
        config, loss_of = self.config, objective("relativistic")
        real = real_texts(draw(0), self.spec)
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
            loss = loss + config.likelihood * negative_log_likelihood(maker, real, generator)
        losses = {"g_loss": update(optimisers["generator"], loss, config.clip)}
        judge.requires_grad_(True)
        d_loss = loss_of.discriminator(
            judged(judge.embedding(real.tokens), real.seen),
            judged(judge.embedding(tokens), seen),
        ).mean()
        losses["d_loss"] = update(optimisers["discriminator"], d_loss, config.clip)
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
            logits = maker.allowed(maker.outputs(hidden[:, 0]).float())
            hot = straight_through(logits, self.config.gumbel_temperature, random)
            token = hot.argmax(1) * running
            hots.append(hot)
            ids.append(token)
            running = running & (token != 0) if not maker.stream else running
            if not running.any():
                break
            given = (hot @ maker.embedding.weight)[:, None] + told
        return torch.stack(hots, 1), torch.stack(ids, 1)
