"""The warm start: each token is predicted from those before it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from gancli.modalities.text.networks import Generator
from gancli.modalities.text.phases.base import TextPhase, adam
from gancli.modalities.text.phases.texts import Texts, fullness, real_texts
from gancli.phases.base import Batch, update
from gancli.phases.schedule import cosine
from gancli.runtime.precision import Compute


def negative_log_likelihood(
    generator: Generator, texts: Texts, random: torch.Generator | None
) -> torch.Tensor:
    """Return the mean over all tokens and ends, in nats, a scalar."""
    return -generator.log_likelihoods(texts.tokens, texts.seen, texts.labels, random).mean()


def likelihood_loss(
    generator: Generator, texts: Texts, length: int, random: torch.Generator
) -> tuple[torch.Tensor, float]:
    """Return what to minimize on a batch of texts of like length, and its mean over tokens.

    Args:
        generator, texts, random: As above.
        length: Of the model, in tokens.
    """
    mean = negative_log_likelihood(generator, texts, random)
    return mean * fullness(texts, length), mean.item()


@dataclass(frozen=True, kw_only=True)
class LikelihoodPhase(TextPhase):
    """Maximum likelihood with teacher forcing."""

    name: str = "likelihood"
    stops_early: bool = True

    def optimizers(self, networks: Mapping[str, nn.Module]) -> dict[str, Optimizer]:
        return {"generator": adam(networks["generator"], self.config.lr)}

    def rate(self, progress: float) -> float:
        return min(1.0, 50 * progress) * (0.02 + 0.98 * cosine(progress))

    def step(
        self,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        draw: Callable[[int], Batch],
        generator: torch.Generator,
        step: int,
        compute: Compute,
    ) -> dict[str, float]:
        network = networks["generator"]
        assert isinstance(network, Generator)
        with compute.autocast():
            loss, mean = likelihood_loss(
                network, real_texts(draw(0), self.spec), self.spec.length, generator
            )
        update(optimizers["generator"], loss, self.config.clip)
        return {"g_loss": mean}
