"""The audio generator's inputs for given seeds."""

import numpy as np

from gancli.modalities.audio.config import AudioConfig, AudioSampleConfig
from gancli.modalities.audio.spec import AudioSpec
from gancli.sampling.classes import class_of
from gancli.sampling.seeds import Key, normal


def components(spec: AudioSpec, config: AudioConfig) -> int:
    """Return how many components of windows of two steps are used: as many as there are."""
    return min(config.components, 2 * config.step_frames * (spec.depth - 1))


def step_latent_size(spec: AudioSpec, config: AudioConfig) -> int:
    """Return how many fresh random numbers a step gets: its noise, and one for each component."""
    return config.noise + components(spec, config)


def latent_size(spec: AudioSpec, config: AudioConfig, frames: int | None = None) -> int:
    """Return how many random numbers a clip is made of: the code, and some for each step.

    The windows of a clip overlap, so that it takes one more of them than it has steps.
    """
    steps = -(-(frames or spec.frames) // config.step_frames)
    return config.latent + step_latent_size(spec, config) * (steps + 1)


def generator_inputs(
    seeds: list[Key], spec: AudioSpec, config: AudioConfig, options: AudioSampleConfig
) -> dict[str, np.ndarray]:
    """Return ``z`` (n, numbers) and, with classes, ``labels`` (n,) for the seeds.

    A longer clip begins with the numbers of a shorter one.
    """
    frames = options.frames(spec)
    found = {"z": np.stack([normal(seed, latent_size(spec, config, frames)) for seed in seeds])}
    labels = [
        class_of(seed, options.class_name, spec.classes, spec.class_counts) for seed in seeds
    ]
    if spec.classes:
        found["labels"] = np.array(labels, np.int64)
    return found
