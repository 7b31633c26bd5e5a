"""Fitting the discriminator to the finished generator, so that it can guide sampling."""

from dataclasses import dataclass, replace

import torch
from torch.optim import Adam, Optimizer

from gancli.losses.adversarial import objective
from gancli.phases.adversarial import AdversarialPhase
from gancli.phases.adversarial_step import AdversarialStep
from gancli.phases.base import Losses, Networks, StepContext
from gancli.phases.schedule import cosine


@dataclass(frozen=True, kw_only=True)
class RefitPhase:
    """The discriminator alone, as a classifier of real against generated items.

    While both networks train, the discriminator chases a generator that moves on, and a
    relativistic one never says how real a single item is. Here its logit becomes the log-odds of
    that, against a generator that stands still.

    Args:
        adversarial: The phase before, whose penalties and augmentation go on.
        fraction: Of the budget.
    """

    adversarial: AdversarialPhase
    fraction: float
    name: str = "refit"
    batches_per_step: int = 1
    trains_generator: bool = False
    stops_early: bool = False

    @property
    def batch_size(self) -> int:
        return self.adversarial.batch_size

    def begin(self, networks: Networks) -> None: ...

    def optimizers(self, networks: Networks) -> dict[str, Optimizer]:
        phase = self.adversarial
        return {
            "discriminator": Adam(
                networks.discriminator.parameters(), phase.d_lr, (phase.beta1, phase.beta2),
                fused=True,
            )
        }

    def lr_factor(self, progress: float) -> float:
        return self.adversarial.lr_factor(1.0) * cosine(progress)

    def step(self, context: StepContext) -> Losses:
        context.networks.generator.eval()  # as it samples: with running averages
        settings = replace(
            self.adversarial, objective=objective("bce"), penalty_every=1, class_weight=0.0
        )
        batch = context.batch(0)
        shard = context.shard(len(batch))
        batch, part = batch[shard.rows], AdversarialStep(settings, context, shard)
        real = settings.prepare(batch, shard)
        with torch.no_grad():
            fake = part.generate(batch.labels)
        return part.update_discriminator(real, fake, batch.labels)
