"""The pictures between seeds."""

from dataclasses import dataclass

import numpy as np

from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.latents import latents
from gancli.modalities.image.sample_config import ImageSampleConfig
from gancli.modalities.image.spec import ImageSpec


@dataclass(frozen=True)
class Between:
    """A place on the way from one seed to another.

    Args:
        first, second: The seeds.
        share: How far it is from the first, 0 to 1.
        label: The seed whose class is drawn.
    """

    first: int
    second: int
    share: float
    label: int


def route(seeds: list[int], frames: int, closed: bool) -> list[Between]:
    """Return the places from seed to seed, ``frames`` for each pair.

    A closed route returns to the first seed but stops one frame short of it, so that an animation
    that repeats does not stand still; an open one ends at the last seed.
    """
    pairs = list(zip(seeds, seeds[1:] + (seeds[:1] if closed else []), strict=False))
    places = [
        Between(first, second, frame / frames, seeds[0])
        for first, second in pairs
        for frame in range(frames)
    ]
    return places if closed else [*places, Between(seeds[-1], seeds[-1], 0.0, seeds[0])]


def slerp(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Return the vector at ``share`` of the arc between two of shape (count,), float32.

    The straight line would pass near the origin, where a Gaussian of many dimensions almost never
    is (White 2016, arXiv 1609.04468).
    """
    a, b = first.astype(np.float64), second.astype(np.float64)
    lengths = np.sqrt((a * a).sum() * (b * b).sum())
    angle = np.arccos(np.clip((a * b).sum() / lengths, -1.0, 1.0)) if lengths else 0.0
    if np.sin(angle) < 1e-6:  # the same direction or the opposite one: no arc to follow
        between = (1.0 - share) * a + share * b
    else:
        between = (np.sin((1.0 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)
    return between.astype(np.float32)


def between_latents(
    places: list[Between], spec: ImageSpec, config: ImageConfig, options: ImageSampleConfig
) -> dict[str, np.ndarray]:
    """Return ``z`` (n, latent) and, with classes, ``labels`` (n,) for places between seeds."""
    first = latents([place.first for place in places], spec, config, options)["z"]
    second = latents([place.second for place in places], spec, config, options)["z"]
    found = latents([place.label for place in places], spec, config, options)
    found["z"] = np.stack([
        slerp(a, b, place.share) for a, b, place in zip(first, second, places, strict=True)
    ])
    return found
