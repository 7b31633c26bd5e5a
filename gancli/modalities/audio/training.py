"""Training on sounds: a variational autoencoder first, then the shared adversarial phase."""

from dataclasses import dataclass, replace

import torch

from gancli.data.dataset import Dataset, Items
from gancli.losses.adversarial import objective
from gancli.modalities.audio.augment import Shift
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.export import graph
from gancli.modalities.audio.frame_basis import FrameBasis
from gancli.modalities.audio.inputs import latent_size
from gancli.modalities.audio.mel import to_items
from gancli.modalities.audio.networks import Encoder, build
from gancli.modalities.audio.score import AudioScorer
from gancli.modalities.audio.spec import AudioSpec
from gancli.modalities.audio.warm_start import WarmStart
from gancli.modalities.base import Trainable, call_generator
from gancli.phases.adversarial import AdversarialPhase
from gancli.phases.base import Batch, Networks, Phase
from gancli.phases.refit import RefitPhase
from gancli.runtime.shard import Shard

_REFIT = 0.04  # of the budget goes to the discriminator that guides sampling
_BASIS_FRAMES = 50_000  # that the frame basis is fitted to


def start(spec: AudioSpec, config: AudioConfig, dataset: Dataset) -> Networks:
    """Return generator, discriminator and encoder with a frame basis fitted to the clips."""
    networks = build(spec, config)
    if config.warm_start:
        networks = replace(networks, extra={"encoder": Encoder(spec, config)})
    every = -(-len(dataset.train) * spec.frames // _BASIS_FRAMES)
    clips = Batch.of(dataset.take(dataset.train[::every]))
    basis = FrameBasis(spec, config)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the last bits of the components depend on how many there are
    try:
        basis.fit(to_items(clips.arrays["samples"], clips.arrays["lengths"], spec))
    finally:
        torch.set_num_threads(threads)
    for network in networks.named().values():
        assert isinstance(network.shapes, FrameBasis)
        network.shapes.load_state_dict(basis.state_dict())
    return networks


@dataclass(frozen=True)
class Prepare:
    """Turns a batch of samples into items."""

    spec: AudioSpec

    def __call__(self, batch: Batch, shard: Shard) -> torch.Tensor:
        return to_items(batch.arrays["samples"], batch.arrays["lengths"], self.spec)


def phases(spec: AudioSpec, config: AudioConfig, dataset: Dataset) -> list[Phase]:
    """Return the warm start, the adversarial phase and the refit of the discriminator."""
    warm = min(config.warm_start, 1 - _REFIT)
    adversarial = AdversarialPhase(
        objective=objective(config.objective),
        latent=latent_size(spec, config),
        prepare=Prepare(spec),
        augment=Shift(spec, config.step_frames),
        joint=False,
        noise_penalty=config.noise_penalty, feature_matching=config.matching,
        class_weight=config.class_weight, max_norm=config.clip,
        penalty_every=4, penalty_fraction=config.penalty_share,
        d_steps=1, g_lr=config.g_lr, d_lr=config.d_lr,
        beta1=config.beta1, beta2=config.beta2, lr_end=config.lr_end,
        batch_size=config.batch, fraction=1 - _REFIT - warm,
    )
    parts: list[Phase] = []
    if warm:
        parts.append(WarmStart(spec=spec, config=config, fraction=warm))
    if adversarial.fraction > 1e-9:
        parts.append(adversarial)
    return [*parts, RefitPhase(adversarial=adversarial, fraction=_REFIT)]


def real(items: Items, spec: AudioSpec) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return clips as the discriminator sees them, and their labels."""
    batch = Batch.of(items)
    return to_items(batch.arrays["samples"], batch.arrays["lengths"], spec), batch.labels


def scorer(dataset: Dataset, spec: AudioSpec, config: AudioConfig, seed: int) -> AudioScorer:
    """Return the monitor's measure for clips."""
    return AudioScorer(dataset, spec, seed)


TRAINABLE = Trainable(build, start, call_generator, real, phases, scorer, graph=graph)
