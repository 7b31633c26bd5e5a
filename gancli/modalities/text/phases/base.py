"""What the phases of text share, besides how they read texts."""

from dataclasses import dataclass

from torch import nn
from torch.optim import Adam, Optimizer

from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.networks import Discriminator, Generator
from gancli.modalities.text.spec import TextSpec
from gancli.phases.base import Networks
from gancli.phases.schedule import cosine


@dataclass(frozen=True, kw_only=True)
class TextPhase:
    """A part of training on text.

    Args:
        spec, config: Of the training.
        fraction: Of the budget.
        name: Shown in progress and metrics.
        trains_generator: Whether the generator changes.
        stops_early: Whether it ends when the held-out loss keeps rising.
    """

    spec: TextSpec
    config: TextConfig
    fraction: float
    name: str
    batches_per_step: int = 1
    trains_generator: bool = True
    stops_early: bool = False

    @property
    def batch_size(self) -> int:
        return self.config.batch

    def begin(self, networks: Networks) -> None: ...


class FineTuning(TextPhase):
    """Both networks learn, slowly, from each other."""

    def optimizers(self, networks: Networks) -> dict[str, Optimizer]:
        return {
            "generator": adam(networks.generator, self.config.g_lr),
            "discriminator": adam(networks.discriminator, self.config.d_lr / 4),
        }

    def lr_factor(self, progress: float) -> float:
        return 0.1 + 0.9 * cosine(progress)


def adam(network: nn.Module, lr: float) -> Optimizer:
    """Return the optimizer that all phases of text use."""
    return Adam(network.parameters(), lr, (0.9, 0.99), fused=True)


def text_networks(networks: Networks) -> tuple[Generator, Discriminator]:
    """Return the generator and the discriminator as those of text."""
    generator, discriminator = networks.generator, networks.discriminator
    assert isinstance(generator, Generator) and isinstance(discriminator, Discriminator)
    return generator, discriminator
