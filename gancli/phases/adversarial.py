"""The adversarial phase that all modalities share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Adam, Optimizer

from gancli.objectives.losses import Objective
from gancli.objectives.matching import feature_distance
from gancli.objectives.penalties import interpolated_gradient, noise_slope, squared_gradient
from gancli.phases.base import Batch, apply, update
from gancli.phases.compute import Compute
from gancli.phases.schedule import cosine

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
        clip: Greatest norm of a gradient, or None.
        penalty_every: Steps between penalties, weighted by as much.
        penalty_share: Part of a batch that is penalised.
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
    clip: float | None = None
    name: str = "adversarial"
    trains_generator: bool = True
    stops_early: bool = False

    @property
    def penalised(self) -> bool:
        return self.r1 > 0 or self.r2 > 0 or self.gp > 0 or self.noise > 0

    @property
    def lazy(self) -> bool:
        """Whether penalties are updates of their own; every step's belong to the loss."""
        return self.penalised and self.penalty_every > 1

    def begin(self, networks: Mapping[str, nn.Module]) -> None: ...

    def optimisers(self, networks: Mapping[str, nn.Module]) -> dict[str, Optimizer]:
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
        optimisers: Mapping[str, Optimizer],
        draw: Callable[[int], Batch],
        generator: torch.Generator,
        step: int,
        compute: Compute,
    ) -> dict[str, float]:
        turn = Turn(self, networks, optimisers, generator, compute)
        losses: dict[str, float] = {}
        for k in range(self.d_steps):
            batch = draw(k)
            real, labels = self.prepare(batch, generator), batch.get("labels")
            last = k + 1 == self.d_steps
            if last and self.joint:
                fake = turn.joint(real, labels, losses)
            else:
                fake = turn.discriminate(real, labels, losses)
            if self.lazy and step % self.penalty_every == 0:
                turn.penalise(real, fake, labels, losses)
            if last and not self.joint:
                turn.generate(real, labels, losses)
        return losses


@dataclass(frozen=True)
class Turn:
    """One step's participants, so that the parts of a step need not hand them on."""

    phase: AdversarialPhase
    networks: Mapping[str, nn.Module]
    optimisers: Mapping[str, Optimizer]
    random: torch.Generator
    compute: Compute

    def fake(self, count: int, labels: torch.Tensor | None) -> torch.Tensor:
        z = torch.randn(
            (count, self.phase.latent), generator=self.random, device=self.compute.device
        )
        with self.compute.autocast():
            items: torch.Tensor = self.networks["generator"](z, labels)
        return items.float()

    def judge(
        self, items: torch.Tensor, labels: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the logits of changed items, and the features that are to match, if any are."""
        discriminator: Any = self.networks["discriminator"]
        with self.compute.autocast():
            if not self.phase.matching:
                return discriminator(items, labels).float(), None
            logits, features = discriminator.judge(items, labels)
        return logits.float(), features.float()

    def logits(self, items: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return self.judge(self.phase.augment(items, self.random), labels)[0]

    def both(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits of both, in one pass unless batch statistics would mix them."""
        layers = self.networks["discriminator"].modules()
        if any(isinstance(layer, nn.BatchNorm2d) for layer in layers):
            return self.logits(real, labels), self.logits(fake, labels)
        twice = None if labels is None else torch.cat([labels, labels])
        real_logits, fake_logits = self.logits(torch.cat([real, fake]), twice).chunk(2)
        return real_logits, fake_logits

    def discriminate(
        self, real: torch.Tensor, labels: torch.Tensor | None, losses: dict[str, float]
    ) -> torch.Tensor:
        """Update the discriminator and return the generated items it saw."""
        with torch.no_grad():
            fake = self.fake(len(real), labels)
        real_logits, fake_logits = self.both(real, fake, labels)
        loss = self.phase.objective.discriminator(real_logits, fake_logits).mean()
        losses["d_loss"] = loss.item()
        if self.phase.penalised and not self.phase.lazy:
            penalty = self.penalty(real, fake, labels)
            losses["penalty"] = penalty.item()
            loss = loss + penalty
        update(self.optimisers["discriminator"], loss, self.phase.clip)
        losses["margin"] = (real_logits - fake_logits).mean().item()
        return fake

    def generate(
        self, real: torch.Tensor, labels: torch.Tensor | None, losses: dict[str, float]
    ) -> None:
        """Update the generator against the new discriminator."""
        phase, discriminator = self.phase, self.networks["discriminator"]
        # Gradients of the discriminator's weights would be wasted work here.
        discriminator.requires_grad_(False)
        fake = self.fake(len(real), labels)
        if phase.objective.paired or phase.matching:
            # Changed together, so that a change of the whole batch is the same for both.
            real, fake = phase.augment(torch.cat([real, fake]), self.random).chunk(2)
            with torch.no_grad():
                real_logits, theirs = self.judge(real, labels)
            fake_logits, own = self.judge(fake, labels)
        else:
            fake_logits = self.logits(fake, labels)
            real_logits, theirs, own = fake_logits, None, None
        loss = phase.objective.generator(real_logits, fake_logits).mean()
        if theirs is not None and own is not None:
            distance = feature_distance(theirs, own)
            losses["matching"] = distance.item()
            loss = loss + phase.matching * distance
        losses["g_loss"] = update(self.optimisers["generator"], loss, phase.clip)
        discriminator.requires_grad_(True)

    def joint(
        self, real: torch.Tensor, labels: torch.Tensor | None, losses: dict[str, float]
    ) -> torch.Tensor:
        """Update both networks from one pass; return the generated items.

        The discriminator treats items one by one, so the gradient of either loss at a generated
        item is the same vector, scaled by that loss's slope at the item's logit. Scaling the
        discriminator's by the quotient of the slopes gives the generator's, and saves the second
        pass: a quarter of a step. Source: Shen et al. 2021, arXiv 2103.00430.
        """
        objective = self.phase.objective
        made = self.fake(len(real), labels)
        fake = made.detach().requires_grad_()
        real_logits, fake_logits = self.both(real, fake, labels)
        d_loss = objective.discriminator(real_logits, fake_logits).mean()
        d_optimiser, g_optimiser = self.optimisers["discriminator"], self.optimisers["generator"]
        d_optimiser.zero_grad(set_to_none=True)
        d_loss.backward()  # type: ignore[no-untyped-call]

        r, f = real_logits.detach(), fake_logits.detach().requires_grad_()
        (d_slope,) = torch.autograd.grad(objective.discriminator(r, f).sum(), f)
        g_loss = objective.generator(r, f)
        (g_slope,) = torch.autograd.grad(g_loss.sum(), f)
        assert fake.grad is not None
        quotient = (g_slope / d_slope).view(-1, *(1,) * (fake.ndim - 1))

        if self.phase.penalised and not self.phase.lazy:
            penalty = self.penalty(real, fake, labels)
            penalty.backward()  # type: ignore[no-untyped-call]
            losses["penalty"] = penalty.item()
        g_optimiser.zero_grad(set_to_none=True)
        made.backward(fake.grad * quotient)  # type: ignore[no-untyped-call]
        apply(d_optimiser)
        apply(g_optimiser)
        losses["d_loss"], losses["g_loss"] = d_loss.item(), g_loss.mean().item()
        losses["margin"] = (r - f).mean().item()
        return fake.detach()

    def penalty(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the weighted gradient penalties on part of a batch, in fp32, a scalar."""
        phase, discriminator = self.phase, self.networks["discriminator"]
        count = max(1, round(len(real) * phase.penalty_share))
        labels = None if labels is None else labels[:count]
        with torch.no_grad():
            real = phase.augment(real[:count], self.random)
            fake = phase.augment(fake[:count], self.random)

        def discriminate(items: torch.Tensor) -> torch.Tensor:
            given = labels
            if labels is not None and len(items) > count:
                given = torch.cat([labels, labels])
            logits: torch.Tensor = discriminator(items, given)
            return logits

        penalty = torch.zeros((), device=real.device)
        if phase.r1 and phase.r2:
            both = squared_gradient(discriminate, torch.cat([real, fake]))
            penalty = penalty + phase.r1 / 2 * both[:count].mean()
            penalty = penalty + phase.r2 / 2 * both[count:].mean()
        elif phase.r1:
            penalty = penalty + phase.r1 / 2 * squared_gradient(discriminate, real).mean()
        elif phase.r2:
            penalty = penalty + phase.r2 / 2 * squared_gradient(discriminate, fake).mean()
        if phase.gp:
            between = interpolated_gradient(discriminate, real, fake, self.random)
            penalty = penalty + phase.gp * between
        if phase.noise:
            items = torch.cat([real, fake])
            penalty = penalty + phase.noise * noise_slope(discriminate, items, self.random)
        return penalty

    def penalise(
        self,
        real: torch.Tensor,
        fake: torch.Tensor,
        labels: torch.Tensor | None,
        losses: dict[str, float],
    ) -> None:
        """Update the discriminator by a lazy penalty."""
        penalty = self.penalty(real, fake, labels)
        update(
            self.optimisers["discriminator"], penalty * self.phase.penalty_every, self.phase.clip
        )
        losses["penalty"] = penalty.item()
