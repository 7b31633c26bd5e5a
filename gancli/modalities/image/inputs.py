"""The image generator's inputs."""

from collections.abc import Sequence

import numpy as np

from gancli.modalities.image.config import ImageConfig, ImageSampleConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.sampling.classes import choose_labels
from gancli.sampling.interpolation import latent_noise
from gancli.sampling.request import Inputs, SampleRequest


def generator_inputs(
    requests: Sequence[SampleRequest], spec: ImageSpec, config: ImageConfig,
    options: ImageSampleConfig,
) -> Inputs:
    """Return ``z``, float32, shape (n, latent)."""
    z = np.stack([latent_noise(each, config.latent, options.truncation) for each in requests])
    labels = choose_labels(requests, options.class_name, spec.classes, spec.class_counts)
    return Inputs({"z": z}, labels)
