"""One step of the adversarial phase, part by part."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gancli.layers.discriminator import DiscriminatorOutput
from gancli.losses.adversarial import Objective
from gancli.losses.feature_matching import feature_matching
from gancli.losses.penalties import (
    NormSq,
    euclidean_sq,
    gradient_norm_sq,
    gradient_penalty,
    noise_penalty,
)
from gancli.phases.base import Batch, Losses, StepContext, frozen, update
from gancli.phases.overfitting import AUGMENTATION
from gancli.runtime.shard import Shard


@dataclass(frozen=True, kw_only=True)
class AdversarialSettings:
    """The hyper-parameters of a step.

    Args:
        objective: The two losses.
        latent: Numbers in z.
        prepare: Turns a shard of a batch into float items on its device.
        augment: A differentiable random change that both kinds of items go through.
        augment_more: Another, for as many of the items as the discriminator overfits, or None. The
            networks have an :class:`gancli.phases.overfitting.AugmentationStrength` then.
        r1, r2, gp, noise_penalty: Weights of the penalties; 0 is off.
        norm_sq: The squared norm of gradients that R1 and R2 limit.
        feature_matching: Weight of feature matching; 0 is off.
        class_weight: Weight of telling classes apart, where there are any, by the discriminator's
            ``projection``, an embedding of them. 0 is off.
        max_norm: Limit on the norm of a gradient, or None.
        penalty_every: Steps between penalties, weighted by as much.
        penalty_fraction: Part of a batch that is penalized.
    """

    objective: Objective
    latent: int
    prepare: Callable[[Batch, Shard], torch.Tensor]
    augment: Callable[[torch.Tensor, Shard], torch.Tensor]
    augment_more: Callable[[torch.Tensor, Shard], torch.Tensor] | None = None
    r1: float = 0.0
    r2: float = 0.0
    norm_sq: NormSq = euclidean_sq
    gp: float = 0.0
    noise_penalty: float = 0.0
    feature_matching: float = 0.0
    class_weight: float = 0.0
    max_norm: float | None = None
    penalty_every: int = 1
    penalty_fraction: float = 1.0

    @property
    def penalized(self) -> bool:
        return self.r1 > 0 or self.r2 > 0 or self.gp > 0 or self.noise_penalty > 0

    @property
    def lazy(self) -> bool:
        """Whether penalties are updates of their own; every step's belong to the loss."""
        return self.penalized and self.penalty_every > 1


@dataclass(frozen=True)
class AdversarialStep:
    """The parts of one step.

    With x real items, G(z) generated ones, T the augmentation and D the discriminator's logits,
    D learns from L_D(D(T(x)), D(T(G(z)))) and its penalties, and G from L_G of the same logits,
    feature matching and the classification of G(z). Each update returns its losses, detached: this
    process's shares of them.

    Args:
        settings: The hyper-parameters.
        context: What the step may touch.
        shard: The items of the batch that this process computes; all tensors are of these.
    """

    settings: AdversarialSettings
    context: StepContext
    shard: Shard

    def generate(self, labels: torch.Tensor | None) -> torch.Tensor:
        """Return G(z) for fresh z, in fp32."""
        context, z = self.context, self.shard.normal(self.settings.latent)
        with context.precision.autocast():
            items: torch.Tensor = context.networks.generator(z, labels)
        return items.float()

    def augment(self, items: torch.Tensor, shard: Shard) -> torch.Tensor:
        """Return T(items)."""
        settings = self.settings
        augmented = settings.augment(items, shard)
        if settings.augment_more is None:
            return augmented
        strength = self.context.networks.extra[AUGMENTATION]
        some: torch.Tensor = strength(augmented, settings.augment_more, shard)
        return some

    def discriminate(
        self, items: torch.Tensor, labels: torch.Tensor | None
    ) -> DiscriminatorOutput:
        """Return what D says of augmented items, in fp32."""
        with self.context.precision.autocast():
            output: DiscriminatorOutput = self.context.networks.discriminator(items, labels)
        return DiscriminatorOutput(output.logits.float(), output.features.float())

    def discriminate_both(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        """Return what D says of T(real) and of T(fake).

        One pass serves both, unless items of one kind would change the logits of the other.
        """
        if self.context.networks.discriminator.mixes_items:
            return (
                self.discriminate(self.augment(real, self.shard), labels),
                self.discriminate(self.augment(fake, self.shard), labels),
            )
        both = self.augment(torch.cat([real, fake]), self.shard.times(2))
        output = self.discriminate(both, _twice(labels))
        of_real, of_fake = zip(output.logits.chunk(2), output.features.chunk(2), strict=True)
        return DiscriminatorOutput(*of_real), DiscriminatorOutput(*of_fake)

    def class_loss(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy of telling classes by their features, a scalar.

        Source: Odena et al. 2017, arXiv 1610.09585; the classifier is the discriminator's class
        projection (Miyato and Koyama 2018, arXiv 1802.05637), and learns from real items alone.
        """
        projection = self.context.networks.discriminator.projection
        assert isinstance(projection, nn.Embedding)
        return self.shard.mean(
            cross_entropy(features @ projection.weight.T, labels, reduction="none")
        )

    def update_discriminator(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> Losses:
        """Update D on real and generated items."""
        settings, fake = self.settings, fake.detach()
        of_real, of_fake = self.discriminate_both(real, fake, labels)
        loss = self.shard.mean(
            settings.objective.discriminator(of_real.logits, of_fake.logits)
        )
        losses = {"d_loss": loss.detach()}
        if settings.class_weight and labels is not None:
            loss = loss + settings.class_weight * self.class_loss(of_real.features, labels)
        if settings.penalized and not settings.lazy:
            penalty = self.gradient_penalties(real, fake, labels)
            losses["penalty"] = penalty.detach()
            loss = loss + penalty
        update(self.context.optimizers["discriminator"], loss, settings.max_norm)
        losses["margin"] = self.shard.mean((of_real.logits - of_fake.logits).detach())
        return losses

    def update_generator(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> Losses:
        """Update G, which made ``fake``, against the new discriminator."""
        settings, discriminator = self.settings, self.context.networks.discriminator
        losses: Losses = {}
        # Gradients of the discriminator's weights would be wasted work here.
        with frozen(discriminator):
            if settings.objective.paired or settings.feature_matching or settings.class_weight:
                # Changed together, so that a change of the whole batch is the same for both.
                both = torch.cat([real, fake])
                real, fake = self.augment(both, self.shard.times(2)).chunk(2)
                with torch.no_grad():
                    real_output = self.discriminate(real, labels)
                fake_output = self.discriminate(fake, labels)
            else:  # real logits do not matter
                fake = self.augment(fake, self.shard)
                real_output = fake_output = self.discriminate(fake, labels)
            loss = self.shard.mean(
                settings.objective.generator(real_output.logits, fake_output.logits)
            )
            if settings.feature_matching:
                distance = feature_matching(
                    real_output.features, fake_output.features, self.shard
                )
                losses["matching"] = distance.detach()
                loss = loss + settings.feature_matching * distance
            if settings.class_weight and labels is not None:
                class_loss = self.class_loss(fake_output.features, labels)
                losses["class_loss"] = class_loss.detach()
                loss = loss + settings.class_weight * class_loss
            losses["g_loss"] = update(self.context.optimizers["generator"], loss, settings.max_norm)
        return losses

    def joint_update(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> Losses:
        """Update both networks from one pass.

        The discriminator treats items one by one, so the gradient of either loss at a generated
        item is the same vector, scaled by that loss's slope at the item's logit. Scaling the
        discriminator's by the quotient of the slopes gives the generator's, and saves the second
        pass: a quarter of a step. Source: Shen et al. 2021, arXiv 2103.00430.
        """
        settings, optimizers = self.settings, self.context.optimizers
        leaf = fake.detach().requires_grad_()
        of_real, of_fake = self.discriminate_both(real, leaf, labels)
        loss = self.shard.mean(
            settings.objective.discriminator(of_real.logits, of_fake.logits)
        )

        r, f = of_real.logits.detach(), of_fake.logits.detach().requires_grad_()
        (d_slope,) = torch.autograd.grad(settings.objective.discriminator(r, f).sum(), f)
        g_loss = settings.objective.generator(r, f)
        (g_slope,) = torch.autograd.grad(g_loss.sum(), f)
        quotient = (g_slope / d_slope).view(-1, *(1,) * (fake.ndim - 1))

        losses: Losses = {"d_loss": loss.detach()}
        class_gradient = None
        if settings.class_weight and labels is not None:
            class_loss = self.class_loss(of_fake.features, labels)
            losses["class_loss"] = class_loss.detach()
            (class_gradient,) = torch.autograd.grad(class_loss, leaf, retain_graph=True)
            loss = loss + settings.class_weight * self.class_loss(of_real.features, labels)
        penalty = None
        if settings.penalized and not settings.lazy:
            penalty = self.gradient_penalties(real, leaf, labels)
            losses["penalty"] = penalty.detach()
        update(optimizers["discriminator"], loss, settings.max_norm, penalty)
        assert leaf.grad is not None
        gradient = leaf.grad * quotient
        if class_gradient is not None:
            gradient = gradient + settings.class_weight * class_gradient
        # A loss whose gradient at the items is the generator's.
        update(optimizers["generator"], (fake * gradient).sum(), settings.max_norm)
        losses["g_loss"] = self.shard.mean(g_loss.detach())
        losses["margin"] = self.shard.mean((r - f).detach())
        return losses

    def gradient_penalties(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the weighted gradient penalties on part of a batch, in fp32, a scalar."""
        settings = self.settings
        shard = self.shard.first(max(1, round(self.shard.whole * settings.penalty_fraction)))
        count = shard.count
        labels = None if labels is None else labels[:count]
        with torch.no_grad():
            real, fake = self.augment(real[:count], shard), self.augment(fake[:count], shard)

        def discriminate(items: torch.Tensor) -> torch.Tensor:
            output: DiscriminatorOutput = self.context.networks.discriminator(
                items, _twice(labels) if len(items) > count else labels
            )
            return output.logits

        # Here too, items of one kind must not change the logits of the other.
        mixes_items = self.context.networks.discriminator.mixes_items
        batches = [real, fake] if mixes_items else [torch.cat([real, fake])]
        penalty = torch.zeros((), device=real.device)
        norm_sq = partial(gradient_norm_sq, discriminate, norm_sq=settings.norm_sq)
        if settings.r1 and settings.r2:
            norms = torch.cat([norm_sq(items) for items in batches])
            penalty = penalty + settings.r1 / 2 * shard.mean(norms[:count])
            penalty = penalty + settings.r2 / 2 * shard.mean(norms[count:])
        elif settings.r1:
            penalty = penalty + settings.r1 / 2 * shard.mean(norm_sq(real))
        elif settings.r2:
            penalty = penalty + settings.r2 / 2 * shard.mean(norm_sq(fake))
        if settings.gp:
            penalty = penalty + settings.gp * gradient_penalty(discriminate, real, fake, shard)
        if settings.noise_penalty:
            together = shard.times(1 if mixes_items else 2)
            each = [noise_penalty(discriminate, items, together) for items in batches]
            penalty = penalty + settings.noise_penalty * torch.stack(each).mean()
        return penalty

    def adapt_augmentation(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> None:
        """Look at held-out items, to augment more if D takes them for generated ones."""
        shard = self.shard
        held_out = self.context.held_out(shard.whole)[shard.rows]
        kinds = (
            (real, labels), (self.settings.prepare(held_out, shard), held_out.labels),
            (fake, labels),
        )
        with torch.no_grad():
            logits = [
                self.discriminate(self.augment(items, shard), each).logits for items, each in kinds
            ]
        self.context.networks.extra[AUGMENTATION].look(*logits, shard)  # type: ignore[operator]

    def lazy_penalty(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> Losses:
        """Update D by its penalties alone, which make up for the steps between.

        Source: Karras et al. 2020, arXiv 1912.04958.
        """
        penalty = self.gradient_penalties(real, fake, labels)
        update(
            self.context.optimizers["discriminator"], penalty * self.settings.penalty_every,
            self.settings.max_norm,
        )
        return {"penalty": penalty.detach()}


def _twice(labels: torch.Tensor | None) -> torch.Tensor | None:
    """Return the labels of a batch of real items and as many generated ones."""
    return None if labels is None else torch.cat([labels, labels])
