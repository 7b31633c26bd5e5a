"""The adversarial phase of images and sounds."""

from dataclasses import dataclass

import torch
from torch.optim import Adam, Optimizer

from gancli.phases.adversarial_step import AdversarialSettings, AdversarialStep
from gancli.phases.base import Losses, Networks, StepContext
from gancli.phases.overfitting import LOOK_EVERY
from gancli.phases.schedule import cosine


@dataclass(frozen=True, kw_only=True)
class AdversarialPhase(AdversarialSettings):
    """Generator against discriminator.

    Args:
        joint: Update both networks from one pass through the discriminator, where it treats items
            one by one and its loss has a slope everywhere.
        d_steps: Discriminator updates a step.
        g_lr, d_lr, beta1, beta2: Adam's settings.
        lr_end: Fraction of the learning rates that is left at the end, reached by a cosine.
        batch_size: Items in a batch.
        fraction: Of the budget.
    """

    joint: bool
    d_steps: int
    g_lr: float
    d_lr: float
    beta1: float
    beta2: float
    lr_end: float
    batch_size: int
    fraction: float
    name: str = "adversarial"
    trains_generator: bool = True
    stops_early: bool = False

    @property
    def batches_per_step(self) -> int:
        return self.d_steps

    def begin(self, networks: Networks) -> None: ...

    def optimizers(self, networks: Networks) -> dict[str, Optimizer]:
        """Return Adam for each network.

        A lazy penalty adds an update every so often: the discriminator's rate and decays are
        corrected for these as StyleGAN2 does (Karras et al. 2020, arXiv 1912.04958, appendix B).
        """
        correction = self.penalty_every / (self.penalty_every + 1) if self.lazy else 1.0
        d_betas = (self.beta1**correction if self.beta1 else 0.0, self.beta2**correction)
        return {
            "generator": Adam(
                networks.generator.parameters(), self.g_lr, (self.beta1, self.beta2), fused=True
            ),
            "discriminator": Adam(
                networks.discriminator.parameters(), self.d_lr * correction, d_betas, fused=True
            ),
        }

    def lr_factor(self, progress: float) -> float:
        return self.lr_end + (1 - self.lr_end) * cosine(progress)

    def step(self, context: StepContext) -> Losses:
        mixes_items = context.networks.discriminator.mixes_items
        joint = self.joint and self.objective.sloped and not mixes_items
        losses: Losses = {}
        for k in range(self.d_steps):
            batch = context.batch(k)
            shard = context.shard(len(batch))
            batch, part = batch[shard.rows], AdversarialStep(self, context, shard)
            real, labels = self.prepare(batch, shard), batch.labels
            last = k + 1 == self.d_steps
            # One batch is enough for both networks: both learn from new ones each step.
            with torch.set_grad_enabled(last):
                fake = part.generate(labels)
            if last and joint:
                losses |= part.joint_update(real, fake, labels)
            else:
                losses |= part.update_discriminator(real, fake, labels)
            if self.lazy and context.step % self.penalty_every == 0:
                losses |= part.lazy_penalty(real, fake, labels)
            if last and not joint:
                losses |= part.update_generator(real, fake, labels)
        if self.augment_more is not None and context.step % LOOK_EVERY == 0:
            part.adapt_augmentation(real, fake, labels)
        return losses
