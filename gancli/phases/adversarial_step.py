"""One step of the adversarial phase, part by part."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from gancli.losses.feature_matching import feature_matching
from gancli.losses.penalties import gradient_norm_sq, gradient_penalty, noise_penalty
from gancli.phases.base import apply, update
from gancli.runtime.precision import Compute

if TYPE_CHECKING:
    from gancli.phases.adversarial import AdversarialPhase


@dataclass(frozen=True)
class AdversarialStep:
    """One step's participants, so that the parts of a step need not hand them on."""

    phase: "AdversarialPhase"
    networks: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]
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
        """Return the logits of changed items, and the features if a loss wants them."""
        discriminator: Any = self.networks["discriminator"]
        with self.compute.autocast():
            if not self.phase.matching and not self.phase.classes:
                return discriminator(items, labels).float(), None
            logits, features = discriminator.judge(items, labels)
        return logits.float(), features.float()

    def logits(self, items: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return self.judge(self.phase.augment(items, self.random), labels)[0]

    def both(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return the logits of both, in one pass unless batch statistics would mix them.

        The third is the features of the real ones if a loss wants them.
        """
        layers = self.networks["discriminator"].modules()
        if any(isinstance(layer, nn.BatchNorm2d) for layer in layers):
            return self.logits(real, labels), self.logits(fake, labels), None
        twice = None if labels is None else torch.cat([labels, labels])
        items = self.phase.augment(torch.cat([real, fake]), self.random)
        logits, features = self.judge(items, twice)
        real_logits, fake_logits = logits.chunk(2)
        return real_logits, fake_logits, None if features is None else features[: len(real)]

    def class_loss(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy of telling classes by their features, a scalar.

        Source: Odena et al. 2017, arXiv 1610.09585; the classifier is the discriminator's class
        projection (Miyato and Koyama 2018, arXiv 1802.05637), and learns from real items alone.
        """
        discriminator: Any = self.networks["discriminator"]
        return cross_entropy(discriminator.class_logits(features), labels)

    def discriminate(
        self,
        real: torch.Tensor,
        fake: torch.Tensor,
        labels: torch.Tensor | None,
        losses: dict[str, float],
    ) -> None:
        """Update the discriminator."""
        fake = fake.detach()
        real_logits, fake_logits, features = self.both(real, fake, labels)
        loss = self.phase.objective.discriminator(real_logits, fake_logits).mean()
        losses["d_loss"] = loss.item()
        if self.phase.classes and features is not None and labels is not None:
            loss = loss + self.phase.classes * self.class_loss(features, labels)
        if self.phase.penalized and not self.phase.lazy:
            penalty = self.penalty(real, fake, labels)
            losses["penalty"] = penalty.item()
            loss = loss + penalty
        update(self.optimizers["discriminator"], loss, self.phase.clip)
        losses["margin"] = (real_logits - fake_logits).mean().item()

    def generate(
        self,
        real: torch.Tensor,
        fake: torch.Tensor,
        labels: torch.Tensor | None,
        losses: dict[str, float],
    ) -> None:
        """Update the generator, which made fake, against the new discriminator."""
        phase, discriminator = self.phase, self.networks["discriminator"]
        # Gradients of the discriminator's weights would be wasted work here.
        discriminator.requires_grad_(False)
        if phase.objective.paired or phase.matching or phase.classes:
            # Changed together, so that a change of the whole batch is the same for both.
            real, fake = phase.augment(torch.cat([real, fake]), self.random).chunk(2)
            with torch.no_grad():
                real_logits, theirs = self.judge(real, labels)
            fake_logits, own = self.judge(fake, labels)
        else:
            fake_logits = self.logits(fake, labels)
            real_logits, theirs, own = fake_logits, None, None
        loss = phase.objective.generator(real_logits, fake_logits).mean()
        if phase.matching and theirs is not None and own is not None:
            distance = feature_matching(theirs, own)
            losses["matching"] = distance.item()
            loss = loss + phase.matching * distance
        if phase.classes and own is not None and labels is not None:
            wrong = self.class_loss(own, labels)
            losses["class_loss"] = wrong.item()
            loss = loss + phase.classes * wrong
        losses["g_loss"] = update(self.optimizers["generator"], loss, phase.clip)
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
        real_logits, fake_logits, _ = self.both(real, fake, labels)
        d_loss = objective.discriminator(real_logits, fake_logits).mean()
        d_optimizer, g_optimizer = self.optimizers["discriminator"], self.optimizers["generator"]
        d_optimizer.zero_grad(set_to_none=True)
        d_loss.backward()  # type: ignore[no-untyped-call]

        r, f = real_logits.detach(), fake_logits.detach().requires_grad_()
        (d_slope,) = torch.autograd.grad(objective.discriminator(r, f).sum(), f)
        g_loss = objective.generator(r, f)
        (g_slope,) = torch.autograd.grad(g_loss.sum(), f)
        assert fake.grad is not None
        quotient = (g_slope / d_slope).view(-1, *(1,) * (fake.ndim - 1))

        if self.phase.penalized and not self.phase.lazy:
            penalty = self.penalty(real, fake, labels)
            penalty.backward()  # type: ignore[no-untyped-call]
            losses["penalty"] = penalty.item()
        g_optimizer.zero_grad(set_to_none=True)
        made.backward(fake.grad * quotient)  # type: ignore[no-untyped-call]
        apply(d_optimizer)
        apply(g_optimizer)
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
            both = gradient_norm_sq(discriminate, torch.cat([real, fake]))
            penalty = penalty + phase.r1 / 2 * both[:count].mean()
            penalty = penalty + phase.r2 / 2 * both[count:].mean()
        elif phase.r1:
            penalty = penalty + phase.r1 / 2 * gradient_norm_sq(discriminate, real).mean()
        elif phase.r2:
            penalty = penalty + phase.r2 / 2 * gradient_norm_sq(discriminate, fake).mean()
        if phase.gp:
            between = gradient_penalty(discriminate, real, fake, self.random)
            penalty = penalty + phase.gp * between
        if phase.noise:
            items = torch.cat([real, fake])
            penalty = penalty + phase.noise * noise_penalty(discriminate, items, self.random)
        return penalty

    def penalize(
        self,
        real: torch.Tensor,
        fake: torch.Tensor,
        labels: torch.Tensor | None,
        losses: dict[str, float],
    ) -> None:
        """Update the discriminator by a lazy penalty."""
        penalty = self.penalty(real, fake, labels)
        update(
            self.optimizers["discriminator"], penalty * self.phase.penalty_every, self.phase.clip
        )
        losses["penalty"] = penalty.item()
