"""The audio generator's inputs, and how many random numbers they hold."""

from collections.abc import Sequence

import numpy as np

from gancli.modalities.audio.config import AudioConfig, AudioSampleConfig
from gancli.modalities.audio.spec import AudioSpec
from gancli.sampling.classes import choose_labels
from gancli.sampling.interpolation import latent_noise
from gancli.sampling.request import Inputs, SampleRequest


def components(spec: AudioSpec, config: AudioConfig) -> int:
    """Return how many components of windows of two steps are used: as many as there are."""
    return min(config.components, 2 * config.step_frames * (spec.depth - 1))


def step_latent_size(spec: AudioSpec, config: AudioConfig) -> int:
    """Return how many random numbers a step gets: its noise, and one for each component."""
    return config.noise + components(spec, config)


def latent_size(spec: AudioSpec, config: AudioConfig, frames: int | None = None) -> int:
    """Return how many random numbers a clip is made of: the code, and some for each step.

    The windows of a clip overlap, so it takes one more of them than it has steps.
    """
    steps = -(-(frames or spec.frames) // config.step_frames)
    return config.latent + step_latent_size(spec, config) * (steps + 1)


def generator_inputs(
    requests: Sequence[SampleRequest], spec: AudioSpec, config: AudioConfig,
    options: AudioSampleConfig,
) -> Inputs:
    """Return ``z``, float32, shape (n, latent_size).

    A longer clip begins with the numbers of a shorter one.

    Raises:
        UsageError: The model cannot make clips of the length asked for.
    """
    size = latent_size(spec, config, options.frames(spec))
    z = np.stack([latent_noise(request, size) for request in requests])
    labels = choose_labels(requests, options.class_name, spec.classes, spec.class_counts)
    return Inputs({"z": z}, labels)
