"""Training on images: the shared adversarial phase, given pictures."""

import torch

from gancli.errors import UsageError, suggest
from gancli.losses.adversarial import objective
from gancli.losses.names import AUGMENTATIONS
from gancli.modalities.image.augment import Augment
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.phases.adversarial import AdversarialPhase
from gancli.phases.base import Batch, Phase
from gancli.phases.refit import RefitPhase

# With fewer pictures a discriminator learns them by heart in ten minutes.
FEW = 10_000

_REFIT = 0.04  # of the budget goes to the discriminator that guides sampling


def augmentations(wanted: str, count: int) -> list[str]:
    """Return the names that ``--augment`` stands for, given the number of pictures.

    Raises:
        UsageError: A name that is none.
    """
    if wanted == "auto":
        return list(AUGMENTATIONS) if count < FEW else []
    if wanted in ("all", "none"):
        return list(AUGMENTATIONS) if wanted == "all" else []
    names = wanted.split(",")
    for name in names:
        if name not in AUGMENTATIONS:
            raise UsageError(f"--augment cannot be {name!r}.", suggest(name, AUGMENTATIONS))
    return names


def to_items(pixels: torch.Tensor) -> torch.Tensor:
    """Return uint8 pixels (n, h, w, c) as floats (n, c, h, w) in [-1, 1]."""
    # Permuting channels-last pixels gives torch's channels-last memory without a copy.
    return pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


class Prepare:
    """Turns a batch of uint8 pixels (n, h, w, c) into (n, c, h, w) in [-1, 1]."""

    def __init__(self, mirror: bool) -> None:
        self.mirror = mirror

    def __call__(self, batch: Batch, generator: torch.Generator) -> torch.Tensor:
        items = to_items(batch["pixels"])
        if self.mirror:
            chance = torch.rand((len(items), 1, 1, 1), generator=generator, device=items.device)
            items = torch.where(chance < 0.5, items.flip(3), items)
        return items


def phases(spec: ImageSpec, config: ImageConfig, count: int) -> list[Phase]:
    """Return the phases; ``count`` pictures decide about augmentation."""
    # One pass serves both networks only where items do not mix in the discriminator.
    mixes = config.d_norm == "batch" or config.minibatch_stddev
    loss = objective(config.objective)
    adversarial = AdversarialPhase(
        objective=loss,
        latent=config.latent,
        prepare=Prepare(config.mirror),
        augment=Augment(augmentations(config.augment, count)),
        joint=config.updates == "joint" and loss.sloped and not mixes,
        r1=config.r1, r2=config.r2, gp=config.gp, penalty_every=config.penalty_every,
        penalty_share=config.penalty_share,
        d_steps=config.d_steps, g_lr=config.g_lr, d_lr=config.d_lr,
        beta1=config.beta1, beta2=config.beta2,
        lr_end=config.lr_end, batch=config.batch or spec.batch,
        share=1 - _REFIT,
    )
    return [adversarial, RefitPhase(adversarial=adversarial, share=_REFIT)]
