"""Training on images: the shared adversarial phase, given pictures."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from gancli.data.dataset import Dataset, Items
from gancli.data.indices import Indices
from gancli.errors import GancliError
from gancli.losses.adversarial import objective
from gancli.losses.names import AUGMENTATIONS
from gancli.losses.penalties import SobolevSq, euclidean_sq
from gancli.modalities.base import Trainable, call_generator
from gancli.modalities.image.augment import Augment
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.export import graph
from gancli.modalities.image.networks import build
from gancli.modalities.image.score import MAX_REFERENCE, MAX_TRAIN, ImageScorer
from gancli.modalities.image.sizing import sized
from gancli.modalities.image.spec import ImageSpec
from gancli.phases.adversarial import AdversarialPhase
from gancli.phases.base import Batch, Networks, Phase
from gancli.phases.overfitting import AUGMENTATION, AugmentationStrength
from gancli.phases.refit import RefitPhase
from gancli.runtime.shard import Shard

# Without shifts the discriminator sees each pixel in the same place of its strides, and patterns of
# their period pass unpunished. Gray pictures are mostly of things that stand in the middle, where
# shifted ones would be learned for real.
_ALWAYS_IN_COLOR = ("translation",)

_REFIT = 0.04  # of the budget goes to the discriminator that guides sampling


def augmentations(
    choice: str, *, in_color: bool, guarded: bool
) -> tuple[list[str], list[str]]:
    """Return the augmentations that always apply, and those that follow overfitting.

    Args:
        choice: What ``--augment`` says.
        in_color: Whether the pictures are.
        guarded: Whether pictures are held out by which overfitting shows.
    """
    if choice == "auto" and guarded:
        always = _ALWAYS_IN_COLOR if in_color else ()
        return list(always), [name for name in AUGMENTATIONS if name not in always]
    if choice in ("auto", "all"):
        return list(AUGMENTATIONS), []
    return [] if choice == "none" else choice.split(","), []


def to_items(pixels: torch.Tensor) -> torch.Tensor:
    """Return uint8 pixels (n, h, w, c) as floats (n, c, h, w) in [-1, 1]."""
    # Permuting channels-last pixels gives torch's channels-last memory without a copy.
    return pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


class Prepare:
    """Turns a batch of uint8 pixels (n, h, w, c) into (n, c, h, w) in [-1, 1]."""

    def __init__(self, mirror: bool) -> None:
        self.mirror = mirror

    def __call__(self, batch: Batch, shard: Shard) -> torch.Tensor:
        items = to_items(batch.arrays["pixels"])
        if self.mirror:
            items = torch.where(shard.uniform(1, 1, 1) < 0.5, mirror_images(items), items)
        return items


def start(spec: ImageSpec, config: ImageConfig, dataset: Dataset) -> Networks:
    """Return new networks, and what decides how strongly pictures are augmented."""
    networks = build(spec, config)
    if not _augmentations(spec, config, dataset)[1]:
        return networks
    return replace(networks, extra={AUGMENTATION: AugmentationStrength()})


def _augmentations(
    spec: ImageSpec, config: ImageConfig, dataset: Dataset
) -> tuple[list[str], list[str]]:
    return augmentations(config.augment, in_color=spec.depth > 1, guarded=dataset.guarded)


def phases(spec: ImageSpec, config: ImageConfig, dataset: Dataset) -> list[Phase]:
    """Return the phases.

    Raises:
        GancliError: The config of a run has lost the learning rates that its budget chose.
    """
    always, more = _augmentations(spec, config, dataset)
    if config.g_lr is None or config.d_lr is None:
        raise GancliError(
            "The options do not say g_lr and d_lr, the learning rates.",
            "Restore the run's config.toml, or start a new run.",
        )
    adversarial = AdversarialPhase(
        objective=objective(config.objective),
        latent=config.latent,
        prepare=Prepare(config.mirror),
        augment=Augment(always),
        augment_more=Augment(more) if more else None,
        joint=config.updates == "joint",
        r1=config.r1, r2=config.r2,
        norm_sq=SobolevSq(config.penalty_cutoff) if config.penalty_cutoff else euclidean_sq,
        gp=config.gp, penalty_every=config.penalty_every,
        penalty_fraction=config.penalty_share, class_weight=config.class_weight,
        d_steps=config.d_steps, g_lr=config.g_lr, d_lr=config.d_lr,
        beta1=config.beta1, beta2=config.beta2,
        lr_end=config.lr_end, batch_size=config.batch or spec.earlier_batch,
        fraction=1 - _REFIT,
    )
    return [adversarial, RefitPhase(adversarial=adversarial, fraction=_REFIT)]


def real(items: Items, spec: ImageSpec) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return pictures as the discriminator sees them, and their labels."""
    batch = Batch.of(items)
    return to_items(batch.arrays["pixels"]), batch.labels


def mirror_images(items: torch.Tensor) -> torch.Tensor:
    """Return pictures (n, c, h, w) mirrored."""
    return items.flip(3)


def also_shown(config: ImageConfig) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """Return what mirrors pictures, if training shows them mirrored, too."""
    return mirror_images if config.mirror else None


def scorer(
    dataset: Dataset, spec: ImageSpec, config: ImageConfig, seed: int
) -> ImageScorer:
    """Return the monitor's measure for a data set of pictures."""
    rng = np.random.default_rng(seed)

    def some(indices: Indices, limit: int) -> np.ndarray:
        # The pixels may be memory-mapped, and more than fit into memory.
        chosen = np.sort(rng.choice(len(indices), min(limit, len(indices)), replace=False))
        return np.asarray(dataset.arrays["pixels"][indices[chosen]])

    train, held_out = dataset.train, dataset.held_out
    return ImageScorer(
        some(train, MAX_TRAIN), some(held_out, MAX_REFERENCE), seed,
        # Of a large set there is too little time to memorize much.
        all_there=len(train) <= MAX_TRAIN and dataset.guarded, mirrored=config.mirror,
    )


TRAINABLE = Trainable(
    build=build,
    start=start,
    generate=call_generator,
    real=real,
    phases=phases,
    scorer=scorer,
    sized=sized,
    graph=graph,
    also_shown=also_shown,
)
