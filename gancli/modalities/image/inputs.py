"""The image generator's inputs for given seeds."""

import numpy as np

from gancli.modalities.image.config import ImageConfig, ImageSampleConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.sampling.classes import class_of
from gancli.sampling.seeds import Key, normal


def generator_inputs(
    seeds: list[Key], spec: ImageSpec, config: ImageConfig, options: ImageSampleConfig
) -> dict[str, np.ndarray]:
    """Return ``z`` (n, latent) and, with classes, ``labels`` (n,) for the seeds."""
    found = {"z": np.stack([normal(seed, config.latent, options.truncation) for seed in seeds])}
    labels = [
        class_of(seed, options.class_name, spec.classes, spec.class_counts) for seed in seeds
    ]
    if spec.classes:
        found["labels"] = np.array(labels, np.int64)
    return found
