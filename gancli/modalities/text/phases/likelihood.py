"""The warm start: each token is predicted from those before it."""

from dataclasses import dataclass

import torch
from torch.optim import Optimizer

from gancli.modalities.text.networks import Generator
from gancli.modalities.text.phases.base import TextPhase, adam, text_networks
from gancli.modalities.text.phases.texts import Texts, real_texts, token_fraction
from gancli.phases.base import Losses, Networks, StepContext, update
from gancli.phases.schedule import cosine
from gancli.runtime.shard import Shard


def negative_log_likelihood(
    generator: Generator, texts: Texts, shard: Shard | None = None
) -> torch.Tensor:
    """Return the mean over all tokens and ends, in nats, a scalar.

    Args:
        generator: Whose likelihood it is.
        texts: A whole batch.
        shard: Computes its share of the mean, with dropout; None computes it all, without.
    """
    own = texts if shard is None else texts[shard.rows]
    log_likelihoods = generator.log_likelihoods(own.tokens, own.mask, own.labels, shard)
    return -(log_likelihoods.sum() / texts.mask.sum())


def likelihood_loss(
    generator: Generator, texts: Texts, length: int, shard: Shard
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what to minimize on a batch of texts of like length, and its mean over tokens.

    Args:
        generator, texts, shard: As above.
        length: Of the model, in tokens.
    """
    mean = negative_log_likelihood(generator, texts, shard)
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
            loss, mean = likelihood_loss(
                generator, texts, self.spec.length, context.shard(len(texts))
            )
        update(context.optimizers["generator"], loss, self.config.clip)
        return {"g_loss": mean}
