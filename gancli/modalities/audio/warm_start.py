"""The warm start: the generator as the decoder of a variational autoencoder."""

from dataclasses import dataclass

import torch
from torch.optim import Adam, Optimizer

from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.inputs import latent_size, step_latent_size
from gancli.modalities.audio.mel import to_items
from gancli.modalities.audio.spec import AudioSpec
from gancli.phases.base import Losses, Networks, StepContext, update
from gancli.phases.schedule import cosine

_KL_STEPS = 300  # over which the weight of the divergence grows


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """The generator learns to rebuild clips from codes (Kingma and Welling 2013, arXiv 1312.6114).

    Args:
        spec, config: Of the training.
        fraction: Of the budget.
    """

    spec: AudioSpec
    config: AudioConfig
    fraction: float
    name: str = "warm start"
    batches_per_step: int = 1
    trains_generator: bool = True
    stops_early: bool = False

    @property
    def batch_size(self) -> int:
        return self.config.batch

    def begin(self, networks: Networks) -> None: ...

    def optimizers(self, networks: Networks) -> dict[str, Optimizer]:
        parameters = [*networks.generator.parameters(), *networks.extra["encoder"].parameters()]
        return {"warm start": Adam(parameters, self.config.lr, (0.9, 0.99), fused=True)}

    def lr_factor(self, progress: float) -> float:
        return min(1.0, 50 * progress + 0.02) * (0.1 + 0.9 * cosine(progress))

    def step(self, context: StepContext) -> Losses:
        config, networks, batch = self.config, context.networks, context.batch(0)
        shard = context.shard(len(batch))
        batch = batch[shard.rows]
        real = to_items(batch.arrays["samples"], batch.arrays["lengths"], self.spec)
        with context.precision.autocast():
            mean, log_variance = networks.extra["encoder"](real)
            noise = shard.normal(latent_size(self.spec, config))
            code = mean + (log_variance / 2).exp() * noise[:, : config.latent]
            step_noise = self._without_texture(noise[:, config.latent :])
            items = networks.generator(torch.cat([code, step_noise], 1), batch.labels)
        reconstruction = shard.mean((items.float() - real).abs())
        mean, log_variance = mean.float(), log_variance.float()
        kl = 0.5 * shard.mean((mean.square() + log_variance.exp() - 1 - log_variance).sum(1))
        kl_weight = config.kl * min(1.0, (context.step + 1) / _KL_STEPS)
        loss = update(
            context.optimizers["warm start"], reconstruction + kl_weight * kl, config.clip
        )
        return {"g_loss": loss, "rebuilt": reconstruction.detach(), "kl": kl.detach()}

    def _without_texture(self, step_noise: torch.Tensor) -> torch.Tensor:
        """Return the steps' noise without texture, which rebuilding would learn to do without."""
        steps = step_noise.view(
            len(step_noise), -1, step_latent_size(self.spec, self.config)
        ).clone()
        steps[..., self.config.noise :] = 0.0
        return steps.flatten(1)
