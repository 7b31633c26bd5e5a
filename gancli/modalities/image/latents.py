"""The image generator's inputs for given seeds."""

import numpy as np

from gancli.config import suggest
from gancli.errors import UsageError
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.sample_config import ImageSampleConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.sampling.seeds import drawn_class, normal


def class_index(name: str, classes: tuple[str, ...]) -> int:
    """Return the number of a class that is given by name or number.

    Raises:
        UsageError: The model has no such class.
    """
    if not classes:
        raise UsageError("This model knows no classes.", "Leave --class out.")
    if name in classes:
        return classes.index(name)
    if name.isascii() and name.isdigit() and int(name) < len(classes):
        return int(name)
    raise UsageError(f"This model has no class {name!r}.", suggest(name, classes))


def latents(
    seeds: list[int], spec: ImageSpec, config: ImageConfig, options: ImageSampleConfig
) -> dict[str, np.ndarray]:
    """Return ``z`` (n, latent) and, with classes, ``labels`` (n,) for the seeds."""
    found = {"z": np.stack([normal(seed, config.latent, options.truncation) for seed in seeds])}
    if options.class_name is not None:
        index = class_index(options.class_name, spec.classes)
        found["labels"] = np.full(len(seeds), index, np.int64)
    elif spec.classes:
        found["labels"] = np.array(
            [drawn_class(seed, spec.class_counts) for seed in seeds], np.int64
        )
    return found
