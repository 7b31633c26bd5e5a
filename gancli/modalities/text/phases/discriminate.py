"""The discriminator alone, against a generator that stands still."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from gancli.modalities.text.networks import Discriminator, Generator
from gancli.modalities.text.phases.base import TextPhase, adam
from gancli.modalities.text.phases.texts import (
    discriminator_loss,
    drawn_texts,
    possible,
    real_texts,
)
from gancli.phases.base import Batch, update
from gancli.phases.schedule import cosine
from gancli.runtime.precision import Compute


@dataclass(frozen=True, kw_only=True)
class DiscriminatePhase(TextPhase):
    """Real texts against drawn ones.

    Args:
        name: ``discriminator`` before the adversarial phase, ``refit`` at the end.
        fresh: Whether to begin from the generator's weights, which already know the language.
    """

    fresh: bool
    trains_generator: bool = False

    def begin(self, networks: Mapping[str, nn.Module]) -> None:
        if not self.fresh:
            return
        theirs = networks["generator"].state_dict()
        own = networks["discriminator"].state_dict()
        for name, tensor in own.items():
            if name.startswith(("embedding.", "cell.", "start.")) and (
                name in theirs and theirs[name].shape == tensor.shape
            ):
                tensor.copy_(theirs[name])

    def optimizers(self, networks: Mapping[str, nn.Module]) -> dict[str, Optimizer]:
        return {"discriminator": adam(networks["discriminator"], self.config.d_lr)}

    def rate(self, progress: float) -> float:
        return min(1.0, 20 * progress + 0.01) * (0.02 + 0.98 * cosine(progress))

    def step(
        self,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        draw: Callable[[int], Batch],
        generator: torch.Generator,
        step: int,
        compute: Compute,
    ) -> dict[str, float]:
        maker, judge = networks["generator"], networks["discriminator"]
        assert isinstance(maker, Generator) and isinstance(judge, Discriminator)
        real = possible(real_texts(draw(0), self.spec))
        fake = drawn_texts(
            maker, real.labels, len(real.tokens), self.spec, generator, compute.device
        )
        whole = 0.9 if self.name == "refit" else 0.5
        with compute.autocast():
            loss, right = discriminator_loss(
                judge, real, fake, generator, whole, self.spec.length
            )
        return {
            "d_loss": update(optimizers["discriminator"], loss, self.config.clip),
            "accuracy": right,
        }
