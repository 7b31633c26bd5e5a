"""Fitting the discriminator to the finished generator, so that it can guide sampling."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.optim import Adam, Optimizer

from gancli.losses.adversarial import objective
from gancli.phases.adversarial import AdversarialPhase
from gancli.phases.adversarial_step import AdversarialStep
from gancli.phases.base import Batch
from gancli.phases.schedule import cosine
from gancli.runtime.precision import Compute


@dataclass(frozen=True, kw_only=True)
class RefitPhase:
    """The discriminator alone, as a classifier of real against generated items.

    While both networks train, the discriminator chases a generator that moves on, and a
    relativistic one never says how real a single item is. Here its logit becomes the log-odds of
    that, against a generator that stands still.

    Args:
        adversarial: The phase before, whose penalties and augmentation go on.
        share: Part of the budget.
    """

    adversarial: AdversarialPhase
    share: float
    name: str = "refit"
    trains_generator: bool = False
    stops_early: bool = False

    @property
    def batch(self) -> int:
        return self.adversarial.batch

    def begin(self, networks: Mapping[str, nn.Module]) -> None: ...

    def optimizers(self, networks: Mapping[str, nn.Module]) -> dict[str, Optimizer]:
        phase = self.adversarial
        return {
            "discriminator": Adam(
                networks["discriminator"].parameters(), phase.d_lr, (phase.beta1, phase.beta2),
                fused=True,
            )
        }

    def rate(self, progress: float) -> float:
        return self.adversarial.rate(1.0) * cosine(progress)

    def step(
        self,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        draw: Callable[[int], Batch],
        generator: torch.Generator,
        step: int,
        compute: Compute,
    ) -> dict[str, float]:
        networks["generator"].eval()  # as it samples: with running averages
        phase = replace(
            self.adversarial, objective=objective("bce"), penalty_every=1, classes=0.0
        )
        batch = draw(0)
        real, labels = phase.prepare(batch, generator), batch.get("labels")
        losses: dict[str, float] = {}
        turn = AdversarialStep(phase, networks, optimizers, generator, compute)
        with torch.no_grad():
            fake = turn.fake(len(real), labels)
        turn.discriminate(real, fake, labels, losses)
        return losses
