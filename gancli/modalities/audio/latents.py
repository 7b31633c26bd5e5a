"""The audio generator's inputs for given seeds."""

import numpy as np

from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.sample_config import AudioSampleConfig
from gancli.modalities.audio.spec import AudioSpec
from gancli.sampling.classes import class_of
from gancli.sampling.seeds import Key, normal


def numbers(spec: AudioSpec, config: AudioConfig, frames: int | None = None) -> int:
    """Return how many random numbers a clip is made of: the code, and some for each step."""
    return config.latent + config.noise * -(-(frames or spec.frames) // config.step_frames)


def latents(
    seeds: list[Key], spec: AudioSpec, config: AudioConfig, options: AudioSampleConfig
) -> dict[str, np.ndarray]:
    """Return ``z`` (n, numbers) and, with classes, ``labels`` (n,) for the seeds.

    A longer clip begins with the numbers of a shorter one.
    """
    frames = options.frames(spec)
    found = {"z": np.stack([normal(seed, numbers(spec, config, frames)) for seed in seeds])}
    labels = [
        class_of(seed, options.class_name, spec.classes, spec.class_counts) for seed in seeds
    ]
    if spec.classes:
        found["labels"] = np.array(labels, np.int64)
    return found
