"""The warm start: each token is predicted from those before it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import Adam, Optimizer

from gancli.modalities.text.config import TextConfig
from gancli.modalities.text.networks import Generator
from gancli.modalities.text.phases.tokens import Texts, real_texts
from gancli.modalities.text.spec import TextSpec
from gancli.phases.base import Batch, update
from gancli.phases.compute import Compute
from gancli.phases.schedule import cosine


def negative_log_likelihood(
    generator: Generator, texts: Texts, random: torch.Generator | None
) -> torch.Tensor:
    """Return the mean over all tokens and ends, in nats, a scalar."""
    logits = generator.logits(texts.tokens, texts.labels, random)
    return cross_entropy(logits[texts.seen].float(), texts.tokens[texts.seen])


@dataclass(frozen=True, kw_only=True)
class LikelihoodPhase:
    """Maximum likelihood with teacher forcing."""

    spec: TextSpec
    config: TextConfig
    share: float
    name: str = "likelihood"
    trains_generator: bool = True

    @property
    def batch(self) -> int:
        return self.config.batch

    def begin(self, networks: Mapping[str, nn.Module]) -> None: ...

    def optimisers(self, networks: Mapping[str, nn.Module]) -> dict[str, Optimizer]:
        parameters = networks["generator"].parameters()
        return {"generator": Adam(parameters, self.config.lr, (0.9, 0.99), fused=True)}

    def rate(self, progress: float) -> float:
        return min(1.0, 50 * progress) * (0.02 + 0.98 * cosine(progress))

    def step(
        self,
        networks: Mapping[str, nn.Module],
        optimisers: Mapping[str, Optimizer],
        draw: Callable[[int], Batch],
        generator: torch.Generator,
        step: int,
        compute: Compute,
    ) -> dict[str, float]:
        network = networks["generator"]
        assert isinstance(network, Generator)
        with compute.autocast():
            loss = negative_log_likelihood(network, real_texts(draw(0), self.spec), generator)
        return {"g_loss": update(optimisers["generator"], loss, self.config.clip)}
