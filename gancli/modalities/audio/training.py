"""Training on sounds: a variational autoencoder first, then the shared adversarial phase."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Adam, Optimizer

from gancli.losses.adversarial import objective
from gancli.modalities.audio.augment import Shift
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.inputs import latent_size, step_latent_size
from gancli.modalities.audio.mel import to_items
from gancli.modalities.audio.networks import Encoder
from gancli.modalities.audio.spec import AudioSpec
from gancli.phases.adversarial import AdversarialPhase
from gancli.phases.base import Batch, Phase, update
from gancli.phases.refit import RefitPhase
from gancli.phases.schedule import cosine
from gancli.runtime.precision import Compute

_REFIT = 0.04  # of the budget goes to the discriminator that guides sampling
_KL_STEPS = 300  # over which the weight of the divergence grows


@dataclass(frozen=True)
class Prepare:
    """Turns a batch of samples into items."""

    spec: AudioSpec

    def __call__(self, batch: Batch, generator: torch.Generator) -> torch.Tensor:
        return to_items(batch["samples"], batch["lengths"], self.spec)


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """The generator learns to rebuild clips from codes (Kingma and Welling 2013, arXiv 1312.6114).

    Args:
        spec, config: Of the training.
        share: Part of the budget.
    """

    spec: AudioSpec
    config: AudioConfig
    share: float
    name: str = "warm start"
    trains_generator: bool = True
    stops_early: bool = False

    @property
    def batch(self) -> int:
        return self.config.batch

    def begin(self, networks: Mapping[str, nn.Module]) -> None: ...

    def optimizers(self, networks: Mapping[str, nn.Module]) -> dict[str, Optimizer]:
        both = [*networks["generator"].parameters(), *networks["encoder"].parameters()]
        return {"warm start": Adam(both, self.config.lr, (0.9, 0.99), fused=True)}

    def rate(self, progress: float) -> float:
        return min(1.0, 50 * progress + 0.02) * (0.1 + 0.9 * cosine(progress))

    def step(
        self,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        draw: Callable[[int], Batch],
        generator: torch.Generator,
        step: int,
        compute: Compute,
    ) -> dict[str, float]:
        config, encoder = self.config, networks["encoder"]
        assert isinstance(encoder, Encoder)
        batch = draw(0)
        real = Prepare(self.spec)(batch, generator)
        with compute.autocast():
            mean, variance = encoder(real)
            noise = torch.randn(
                (len(real), latent_size(self.spec, config)), generator=generator,
                device=compute.device,
            )
            code = mean + (variance / 2).exp() * noise[:, : config.latent]
            fresh = self._plain(noise[:, config.latent :])
            made = networks["generator"](torch.cat([code, fresh], 1), batch.get("labels"))
        rebuilt = (made.float() - real).abs().mean()
        mean, variance = mean.float(), variance.float()
        kl = 0.5 * (mean.square() + variance.exp() - 1 - variance).sum(1).mean()
        weight = config.kl * min(1.0, (step + 1) / _KL_STEPS)
        g_loss = update(optimizers["warm start"], rebuilt + weight * kl, config.clip)
        return {"g_loss": g_loss, "rebuilt": rebuilt.item(), "kl": kl.item()}

    def _plain(self, fresh: torch.Tensor) -> torch.Tensor:
        """Return a step's fresh numbers without texture: rebuilding would learn to do without."""
        each = fresh.view(len(fresh), -1, step_latent_size(self.spec, self.config)).clone()
        each[..., self.config.noise :] = 0.0
        return each.flatten(1)


def phases(spec: AudioSpec, config: AudioConfig) -> list[Phase]:
    """Return the warm start, the adversarial phase and the refit of the discriminator."""
    warm = min(config.warm_start, 1 - _REFIT)
    loss = objective(config.objective)
    adversarial = AdversarialPhase(
        objective=loss,
        latent=latent_size(spec, config),
        prepare=Prepare(spec),
        augment=Shift(spec, config.step_frames),
        joint=False,
        r1=0.0, r2=0.0, gp=0.0, noise=config.noise_penalty, matching=config.matching,
        classes=config.class_weight, clip=config.clip,
        penalty_every=4, penalty_share=config.penalty_share,
        d_steps=1, g_lr=config.g_lr, d_lr=config.d_lr,
        beta1=config.beta1, beta2=config.beta2, lr_end=config.lr_end,
        batch=config.batch, share=1 - _REFIT - warm,
    )
    found: list[Phase] = []
    if warm:
        found.append(WarmStart(spec=spec, config=config, share=warm))
    if adversarial.share > 1e-9:
        found.append(adversarial)
    return [*found, RefitPhase(adversarial=adversarial, share=_REFIT)]
