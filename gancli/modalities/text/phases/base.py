"""What the phases of text share, besides the way they look at texts."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn
from torch.optim import Adam, Optimizer

from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.spec import TextSpec
from gancli.phases.schedule import cosine


@dataclass(frozen=True, kw_only=True)
class TextPhase:
    """A part of training on text.

    Args:
        spec, config: Of the training.
        share: Part of the budget.
        name: Shown in progress and metrics.
        trains_generator: Whether the generator changes.
        stops_early: Whether it ends when the held-out loss keeps rising.
    """

    spec: TextSpec
    config: TextConfig
    share: float
    name: str
    trains_generator: bool = True
    stops_early: bool = False

    @property
    def batch(self) -> int:
        return self.config.batch

    def begin(self, networks: Mapping[str, nn.Module]) -> None: ...


class FineTuning(TextPhase):
    """Both networks learn, slowly, from each other."""

    def optimizers(self, networks: Mapping[str, nn.Module]) -> dict[str, Optimizer]:
        rates = {"generator": self.config.g_lr, "discriminator": self.config.d_lr / 4}
        return {name: adam(networks[name], rate) for name, rate in rates.items()}

    def rate(self, progress: float) -> float:
        return 0.1 + 0.9 * cosine(progress)


def adam(network: nn.Module, rate: float) -> Optimizer:
    """Return the optimizer that all phases of text use."""
    return Adam(network.parameters(), rate, (0.9, 0.99), fused=True)
