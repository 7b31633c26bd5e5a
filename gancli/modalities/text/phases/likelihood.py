"""The warm start: each token is predicted from those before it."""

from dataclasses import dataclass

import torch
from torch.optim import Optimizer

from gancli.modalities.text.networks import Generator
from gancli.modalities.text.phases.base import TextPhase, adam, text_networks
from gancli.modalities.text.phases.texts import Texts, real_texts, token_fraction
from gancli.phases.base import Losses, Networks, StepContext, update
from gancli.phases.schedule import cosine


def negative_log_likelihood(
    generator: Generator, texts: Texts, rng: torch.Generator | None
) -> torch.Tensor:
    """Return the mean over all tokens and ends, in nats, a scalar."""
    return -generator.log_likelihoods(texts.tokens, texts.mask, texts.labels, rng).mean()


def likelihood_loss(
    generator: Generator, texts: Texts, length: int, rng: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what to minimize on a batch of texts of like length, and its mean over tokens.

    Args:
        generator, texts, rng: As above.
        length: Of the model, in tokens.
    """
    mean = negative_log_likelihood(generator, texts, rng)
    return mean * token_fraction(texts, length), mean.detach()


@dataclass(frozen=True, kw_only=True)
class LikelihoodPhase(TextPhase):
    """Maximum likelihood with teacher forcing."""

    name: str = "likelihood"
    stops_early: bool = True

    def optimizers(self, networks: Networks) -> dict[str, Optimizer]:
        return {"generator": adam(networks.generator, self.config.lr)}

    def lr_factor(self, progress: float) -> float:
        return min(1.0, 50 * progress) * (0.02 + 0.98 * cosine(progress))

    def step(self, context: StepContext) -> Losses:
        generator, _ = text_networks(context.networks)
        texts = real_texts(context.batch(0), self.spec)
        with context.precision.autocast():
            loss, mean = likelihood_loss(generator, texts, self.spec.length, context.rng)
        update(context.optimizers["generator"], loss, self.config.clip)
        return {"g_loss": mean}
