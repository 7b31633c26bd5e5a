"""Training on images: the shared adversarial phase, given pictures."""

import torch

from gancli.data.dataset import Dataset, Items
from gancli.errors import UsageError, suggest
from gancli.losses.adversarial import objective
from gancli.losses.names import AUGMENTATIONS
from gancli.modalities.base import Trainable, call_generator
from gancli.modalities.image.augment import Augment
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.networks import build
from gancli.modalities.image.score import ImageScorer
from gancli.modalities.image.spec import ImageSpec
from gancli.phases.adversarial import AdversarialPhase
from gancli.phases.base import Batch, Phase
from gancli.phases.refit import RefitPhase

# Fewer pictures than this a discriminator memorizes in ten minutes.
FEW = 10_000

_REFIT = 0.04  # of the budget goes to the discriminator that guides sampling


def augmentations(choice: str, count: int) -> list[str]:
    """Return the names that ``--augment`` stands for, given the number of pictures.

    Raises:
        UsageError: There is no augmentation of that name.
    """
    if choice == "auto":
        return list(AUGMENTATIONS) if count < FEW else []
    if choice in ("all", "none"):
        return list(AUGMENTATIONS) if choice == "all" else []
    names = choice.split(",")
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

    def __call__(self, batch: Batch, rng: torch.Generator) -> torch.Tensor:
        items = to_items(batch.arrays["pixels"])
        if self.mirror:
            uniform = torch.rand((len(items), 1, 1, 1), generator=rng, device=items.device)
            items = torch.where(uniform < 0.5, items.flip(3), items)
        return items


def phases(spec: ImageSpec, config: ImageConfig, dataset: Dataset) -> list[Phase]:
    """Return the phases; the number of pictures decides about augmentation."""
    names = augmentations(config.augment, len(dataset.train))
    adversarial = AdversarialPhase(
        objective=objective(config.objective),
        latent=config.latent,
        prepare=Prepare(config.mirror),
        augment=Augment(names),
        joint=config.updates == "joint",
        r1=config.r1, r2=config.r2, gp=config.gp, penalty_every=config.penalty_every,
        penalty_fraction=config.penalty_share,
        d_steps=config.d_steps, g_lr=config.g_lr, d_lr=config.d_lr,
        beta1=config.beta1, beta2=config.beta2,
        lr_end=config.lr_end, batch_size=config.batch or spec.batch,
        fraction=1 - _REFIT,
    )
    return [adversarial, RefitPhase(adversarial=adversarial, fraction=_REFIT)]


def real(items: Items, spec: ImageSpec) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return pictures as the discriminator sees them, and their labels."""
    batch = Batch.of(items)
    return to_items(batch.arrays["pixels"]), batch.labels


def scorer(dataset: Dataset, spec: ImageSpec, seed: int) -> ImageScorer:
    """Return the monitor's measure for a data set of pictures."""
    pixels = dataset.arrays["pixels"]
    return ImageScorer(pixels[dataset.train], pixels[dataset.held_out], seed)


TRAINABLE = Trainable(
    build=build,
    start=lambda spec, config, dataset: build(spec, config),
    generate=call_generator,
    real=real,
    phases=phases,
    scorer=scorer,
)
