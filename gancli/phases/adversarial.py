"""The adversarial phase that all modalities share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Adam, Optimizer

from gancli.losses.adversarial import Objective
from gancli.phases.adversarial_step import AdversarialStep
from gancli.phases.base import Batch
from gancli.phases.schedule import cosine
from gancli.runtime.precision import Compute

Change = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class AdversarialPhase:
    """Generator against discriminator.

    Args:
        objective: The two losses.
        latent: Numbers in z.
        prepare: Turns a batch into float items on its device, given the step's randomness.
        augment: A differentiable random change that both kinds of items go through.
        joint: Update both networks from one pass through the discriminator. It needs a
            discriminator that treats items one by one and a loss with a slope everywhere.
        r1, r2, gp: Weights of the penalties; 0 is off.
        noise: Weight of the noise penalty.
        matching: Weight of feature matching; the discriminator must have a ``judge`` that returns
            logits and features.
        classes: Weight of telling classes apart, where there are any; the discriminator must also
            have a ``class_logits`` of those features.
        clip: Greatest norm of a gradient, or None.
        penalty_every: Steps between penalties, weighted by as much.
        penalty_share: Part of a batch that is penalized.
        d_steps: Discriminator updates a step.
        g_lr, d_lr, beta1, beta2: Adam's settings.
        lr_end: Share of the learning rates that is left at the end, reached by a cosine.
        batch: Items in a step.
        share: Part of the budget.
    """

    objective: Objective
    latent: int
    prepare: Callable[[Batch, torch.Generator], torch.Tensor]
    augment: Change
    joint: bool
    r1: float
    r2: float
    gp: float
    penalty_every: int
    penalty_share: float
    d_steps: int
    g_lr: float
    d_lr: float
    beta1: float
    beta2: float
    lr_end: float
    batch: int
    share: float
    noise: float = 0.0
    matching: float = 0.0
    classes: float = 0.0
    clip: float | None = None
    name: str = "adversarial"
    trains_generator: bool = True
    stops_early: bool = False

    @property
    def penalized(self) -> bool:
        return self.r1 > 0 or self.r2 > 0 or self.gp > 0 or self.noise > 0

    @property
    def lazy(self) -> bool:
        """Whether penalties are updates of their own; every step's belong to the loss."""
        return self.penalized and self.penalty_every > 1

    def begin(self, networks: Mapping[str, nn.Module]) -> None: ...

    def optimizers(self, networks: Mapping[str, nn.Module]) -> dict[str, Optimizer]:
        """Return Adam for each network.

        A lazy penalty adds an update every so often: the discriminator's rate and decays are
        corrected for these as StyleGAN2 does (Karras et al. 2020, arXiv 1912.04958, appendix B).
        """
        share = self.penalty_every / (self.penalty_every + 1) if self.lazy else 1.0
        d_betas = (self.beta1**share if self.beta1 else 0.0, self.beta2**share)
        return {
            "generator": Adam(
                networks["generator"].parameters(), self.g_lr, (self.beta1, self.beta2), fused=True
            ),
            "discriminator": Adam(
                networks["discriminator"].parameters(), self.d_lr * share, d_betas, fused=True
            ),
        }

    def rate(self, progress: float) -> float:
        return self.lr_end + (1 - self.lr_end) * cosine(progress)

    def step(
        self,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        draw: Callable[[int], Batch],
        generator: torch.Generator,
        step: int,
        compute: Compute,
    ) -> dict[str, float]:
        turn = AdversarialStep(self, networks, optimizers, generator, compute)
        losses: dict[str, float] = {}
        for k in range(self.d_steps):
            batch = draw(k)
            real, labels = self.prepare(batch, generator), batch.get("labels")
            last = k + 1 == self.d_steps
            if last and self.joint:
                fake = turn.joint(real, labels, losses)
            else:
                # One batch is enough for both networks: both learn from fresh ones each step.
                with torch.set_grad_enabled(last):
                    fake = turn.fake(len(real), labels)
                turn.discriminate(real, fake, labels, losses)
            if self.lazy and step % self.penalty_every == 0:
                turn.penalize(real, fake, labels, losses)
            if last and not self.joint:
                turn.generate(real, fake, labels, losses)
        return losses
